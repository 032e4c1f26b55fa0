"""Reading an article: screen its sentences, score those that pass, say who transfers what to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from schemas.readings import Deal, Entity
from streams.deals.classifier import DealClassifier, classifier
from streams.deals.features import sentence_features
from streams.deals.lexicon import lexicon
from streams.deals.parties import find_parties, find_weapons
from streams.deals.roles import Roles, assign_roles
from streams.deals.sentence import ReadSentence, read_sentences
from streams.deals.telling import Telling, told_deals

Embed = Callable[[Sequence[str]], np.ndarray]

MAX_CANDIDATES = 40
"""Sentences scored by words; the first ones of a text that passes the screen more often than that."""
MAX_EMBEDDED = 3
"""Sentences embedded: the embedder's time is most of an article's."""


class DealReading(NamedTuple):
    """`score` is the calibrated probability that the article tells of an arms deal."""

    arms_deal: bool
    score: float
    deals: list[Deal]


class Candidate(NamedTuple):
    """A sentence that passed the screen, with what the classifier is given."""

    sentence: ReadSentence
    roles: Roles
    features: dict[str, float]
    previous: ReadSentence | None
    title: ReadSentence | None


class DealReader:
    """Finds arms deals in articles. Deterministic; holds no state between articles."""

    def __init__(self, model: DealClassifier | None = None) -> None:
        self._model = model or classifier()

    def read(
        self, title: str, text: str, language: str, entities: list[Entity], embed: Embed | None = None
    ) -> DealReading:
        """What `title` and `text` tell of arms deals.

        `entities` are those of `title + "\\n" + text`, in which all offsets count. `embed` gives unit vectors of 384
        numbers; it is called at most once, with at most `MAX_EMBEDDED` sentences, and only where words leave it open.
        """
        full = f"{title}\n{text}"
        candidates = find_candidates(full, language, entities)
        if not candidates:
            return DealReading(False, 0.01, [])
        scores = [self._model.probability(c.features) for c in candidates]
        if embed is not None:
            self._look_closer(candidates, scores, embed)
        best = max(scores)
        arms_deal = best >= self._model.threshold
        deals = told_deals(_tellings(candidates, scores), len(title), find_parties(entities, full)) if arms_deal else []
        return DealReading(arms_deal, round(best, 4), deals)

    def _look_closer(self, candidates: list[Candidate], scores: list[float], embed: Embed) -> None:
        """Replace the scores of the most probable undecided sentences by ones that know their embedding."""
        model = self._model
        if model.direction is None or max(scores) >= model.unsure_high:
            return
        undecided = sorted(
            (i for i, s in enumerate(scores) if model.unsure_low <= s < model.unsure_high),
            key=lambda i: (-scores[i], i),
        )
        unsure, rest = undecided[:MAX_EMBEDDED], undecided[MAX_EMBEDDED:]
        if not unsure:
            return
        vectors = embed([candidates[i].sentence.text for i in unsure])
        for i, vector in zip(unsure, vectors, strict=True):
            scores[i] = model.probability_with(candidates[i].features, vector)
        # What words find less likely than these is no likelier than they have turned out to be.
        most = max(scores[i] for i in unsure)
        for i in rest:
            scores[i] = min(scores[i], most)


def find_candidates(full: str, language: str, entities: list[Entity]) -> list[Candidate]:
    """The sentences that may tell of a deal; see `passes_screen`."""
    words = lexicon(language)
    parties = find_parties(entities, full)
    weapons = find_weapons(entities)
    if not parties:
        return []
    candidates: list[Candidate] = []
    sentences = read_sentences(full, words, parties, weapons)
    title = sentences[0] if sentences and sentences[0].start < full.find("\n") else None
    previous: ReadSentence | None = None
    for sentence in sentences:
        if passes_screen(sentence):
            roles = assign_roles(sentence)
            candidates.append(Candidate(sentence, roles, sentence_features(sentence, roles, previous), previous, title))
            if len(candidates) >= MAX_CANDIDATES:
                break
        previous = sentence
    return candidates


def passes_screen(sentence: ReadSentence) -> bool:
    """Cheap and generous: a sentence it stops is never read as a deal.

    A weapon, and a word of transfer. A request or a refusal need not name the transfer ("Kyiv's plea to Berlin for
    Taurus missiles"), nor two parties beside a weapon ("the drones from Iran that Khartoum flies"), and a weapon may
    stand in the sentence before ("Berlin bought seventeen of them from Washington").
    """
    parties = len(sentence.party_keys)
    if not sentence.weapon_spans:
        traded = sentence.has("sell", "buy", "lease") or (sentence.has("give") and sentence.has("mil"))
        return sentence.armed and traded and parties >= 2
    if sentence.info is None or sentence.transfers:
        return True
    return parties >= 2 or (parties == 1 and sentence.has("ask", "want", "block", "cancel"))


def _tellings(candidates: list[Candidate], scores: list[float]) -> list[Telling]:
    return [
        Telling(
            sentence=c.sentence,
            previous=c.previous,
            title=c.title,
            score=score,
            roles=c.roles,
            supplier=c.roles.supplier,
            recipient=c.roles.recipient,
            weapons=list(dict.fromkeys(w.entity_id for w in c.sentence.weapons)),
        )
        for c, score in zip(candidates, scores, strict=True)
    ]
