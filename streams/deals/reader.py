"""Reading an article: screen its sentences, score those that pass, say who transfers what to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from schemas.readings import Deal, Entity
from streams.deals.features import sentence_features
from streams.deals.learnt import Learnt, shipped
from streams.deals.parties import PartyMention, find_parties, find_weapons
from streams.deals.roles import Roles, assign_roles
from streams.deals.sentence import ReadSentence, read_sentences
from streams.deals.telling import Telling, told_deals
from streams.words.lexicon import lexicon

Embed = Callable[[Sequence[str]], np.ndarray]

MAX_CANDIDATES = 40
"""Sentences scored by words; the first ones of a text that passes the screen more often than that."""
MAX_EMBEDDED = 2
"""Sentences embedded: the embedder's time is most of an article's."""


class DealReading(NamedTuple):
    """`score` is the calibrated probability that the article tells of an arms deal."""

    arms_deal: bool
    score: float
    deals: list[Deal]


class Screened(NamedTuple):
    """A sentence that passed the screen, with the one before it."""

    sentence: ReadSentence
    previous: ReadSentence | None


class DealReader:
    """Finds arms deals in articles. Deterministic; holds no state between articles."""

    def __init__(self, learnt: Learnt | None = None) -> None:
        self._learnt = learnt or shipped()

    def read(
        self, title: str, text: str, language: str, entities: list[Entity], embed: Embed | None = None
    ) -> DealReading:
        """What `title` and `text` tell of arms deals.

        `entities` are those of `title + "\\n" + text`, in which all offsets count. `embed` gives unit vectors of 384
        numbers; it is called at most once, with at most `MAX_EMBEDDED` sentences, and only where words leave it open.
        """
        full = f"{title}\n{text}"
        parties = find_parties(entities, full)
        return self.judge(screen(full, language, entities, parties), len(title), parties, embed)

    def judge(
        self, screened: Sequence[Screened], title_end: int, parties: Sequence[PartyMention], embed: Embed | None
    ) -> DealReading:
        """What an article tells, of which `screened` passed the screen and `parties` are named."""
        if not screened:
            return DealReading(False, 0.01, [])
        model = self._learnt.classifier
        roles = [assign_roles(s.sentence, self._learnt.roles) for s in screened]
        features = [sentence_features(s.sentence, r, s.previous) for s, r in zip(screened, roles, strict=True)]
        scores = [model.probability(f) for f in features]
        if embed is not None:
            self._look_closer(screened, features, scores, embed)
        best = max(scores)
        if best < model.threshold:
            return DealReading(False, round(best, 4), [])
        tellings = [_telling(*one) for one in zip(screened, scores, roles, strict=True)]
        return DealReading(True, round(best, 4), told_deals(tellings, title_end, parties, self._learnt))

    def _look_closer(
        self, screened: Sequence[Screened], features: Sequence[Mapping[str, float]], scores: list[float], embed: Embed
    ) -> None:
        """Replace the scores of the most probable undecided sentences by ones that know their embedding."""
        model = self._learnt.classifier
        if model.direction is None or max(scores) >= model.unsure_high:
            return
        undecided = sorted(
            (i for i, s in enumerate(scores) if model.unsure_low <= s < model.unsure_high),
            key=lambda i: (-scores[i], i),
        )
        unsure, rest = undecided[:MAX_EMBEDDED], undecided[MAX_EMBEDDED:]
        if not unsure:
            return
        vectors = embed([screened[i].sentence.text for i in unsure])
        for i, vector in zip(unsure, vectors, strict=True):
            scores[i] = model.probability_with(features[i], vector)
        # What words find less likely than these is no likelier than they have turned out to be.
        most = max(scores[i] for i in unsure)
        for i in rest:
            scores[i] = min(scores[i], most)


def screen(full: str, language: str, entities: Sequence[Entity], parties: Sequence[PartyMention]) -> list[Screened]:
    """The sentences that may tell of a deal; see `passes_screen`."""
    if not parties:
        return []
    sentences = read_sentences(full, lexicon(language), parties, find_weapons(entities))
    passed = (i for i, sentence in enumerate(sentences) if passes_screen(sentence))
    return [Screened(sentences[i], sentences[i - 1] if i else None) for i in islice(passed, MAX_CANDIDATES)]


def passes_screen(sentence: ReadSentence) -> bool:
    """Cheap and generous: a sentence it stops is never read as a deal.

    A weapon, and a word of transfer or a party: no table has every word for a transfer, and a sentence may name one
    party alone ("the drones from Iran"). Gear needs two. A weapon may stand in the sentence before ("Berlin bought
    seventeen of them from Washington").
    """
    parties = len(sentence.party_keys)
    if not sentence.weapon_spans:
        traded = sentence.has("sell", "buy", "lease") or (sentence.has("give") and sentence.has("mil"))
        return sentence.armed and traded and parties >= 2
    if sentence.info is None or sentence.transfers:
        return True
    enough = 1 if sentence.weapons or sentence.has("arms", "ask", "want", "block", "cancel") else 2
    return parties >= enough


def _telling(screened: Screened, score: float, roles: Roles) -> Telling:
    return Telling(
        sentence=screened.sentence,
        score=score,
        roles=roles,
        supplier=roles.supplier,
        recipient=roles.recipient,
        weapons=list(dict.fromkeys(w.entity_id for w in screened.sentence.weapons)),
    )
