"""Reading an article: screen its sentences, score those that pass, say who transfers what to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from schemas.readings import Deal, Entity, Evidence
from streams.deals.act import deal_act, deal_status
from streams.deals.amounts import stated_quantity, stated_sum
from streams.deals.classifier import DealClassifier, classifier
from streams.deals.features import sentence_features
from streams.deals.lexicon import lexicon
from streams.deals.parties import PartyMention, find_parties, find_weapons
from streams.deals.roles import Roles, assign_roles
from streams.deals.sentence import ReadSentence, read_sentences

Embed = Callable[[Sequence[str]], np.ndarray]

MAX_CANDIDATES = 40
"""Sentences scored by words; the first ones of a text that passes the screen more often than that."""
MAX_EMBEDDED = 2
"""Sentences embedded: the embedder's time is most of an article's."""
MAX_DEALS = 8
_MIN_SCORE = 0.3
"""Of a deal's own sentence, in an article that tells of a deal."""


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
        deals = _deals(candidates, scores) if arms_deal else []
        return DealReading(arms_deal, round(best, 4), deals)

    def _look_closer(self, candidates: list[Candidate], scores: list[float], embed: Embed) -> None:
        """Replace the scores of the most probable undecided sentences by ones that know their embedding."""
        model = self._model
        if model.direction is None or max(scores) >= model.unsure_high:
            return
        unsure = sorted(
            (i for i, s in enumerate(scores) if model.unsure_low <= s < model.unsure_high),
            key=lambda i: (-scores[i], i),
        )[:MAX_EMBEDDED]
        if not unsure:
            return
        vectors = embed([candidates[i].sentence.text for i in unsure])
        for i, vector in zip(unsure, vectors, strict=True):
            scores[i] = model.probability_with(candidates[i].features, vector)


def find_candidates(full: str, language: str, entities: list[Entity]) -> list[Candidate]:
    """The sentences that may tell of a deal: a word of transfer, a weapon, and a party in it or just before it."""
    words = lexicon(language)
    parties = find_parties(entities, full)
    weapons = find_weapons(entities)
    if not parties and not weapons:
        return []
    candidates: list[Candidate] = []
    previous: ReadSentence | None = None
    for sentence in read_sentences(full, words, parties, weapons):
        if passes_screen(sentence, previous):
            roles = assign_roles(sentence)
            candidates.append(Candidate(sentence, roles, sentence_features(sentence, roles, previous), previous))
            if len(candidates) >= MAX_CANDIDATES:
                break
        previous = sentence
    return candidates


def passes_screen(sentence: ReadSentence, previous: ReadSentence | None) -> bool:
    """Cheap and generous: a sentence it stops is never read as a deal."""
    if not sentence.weapon_spans:
        return False
    if sentence.info is not None and not sentence.transfers:
        # A request or a refusal need not name the transfer ("Kyiv's plea to Berlin for Taurus missiles").
        return sentence.has("ask", "block", "cancel", "plan") and len(sentence.party_keys) >= 2
    return bool(sentence.parties or (previous is not None and previous.parties))


def _deals(candidates: list[Candidate], scores: list[float]) -> list[Deal]:
    """One deal for each pair of parties, told by its most probable sentence."""
    ranked = sorted(range(len(candidates)), key=lambda i: (-scores[i], i))
    deals: list[Deal] = []
    seen: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    floor = min(_MIN_SCORE, scores[ranked[0]])
    for i in ranked:
        if scores[i] < floor or len(deals) >= MAX_DEALS:
            break
        candidate = candidates[i]
        key = (tuple(sorted(candidate.roles.supplier)), tuple(sorted(candidate.roles.recipient)))
        if key in seen:
            known = deals[seen[key]]
            for weapon in _weapon_ids(candidate.sentence):
                if weapon not in known.weapons:
                    known.weapons.append(weapon)
            continue
        if deals and not any(key):
            continue
        seen[key] = len(deals)
        deals.append(_deal(candidate, scores[i]))
    return deals


def _deal(candidate: Candidate, score: float) -> Deal:
    sentence, roles = candidate.sentence, candidate.roles
    return Deal(
        act=deal_act(sentence),
        status=deal_status(sentence),
        supplier=_ids(sentence.parties, roles.supplier),
        recipient=_ids(sentence.parties, roles.recipient),
        weapons=_weapon_ids(sentence),
        amount=stated_sum(sentence.text),
        quantity=stated_quantity(sentence.text, sentence.start, sentence.weapon_spans),
        score=round(score, 4),
        evidence=Evidence(start=sentence.start, end=sentence.end, text=sentence.text),
    )


def _weapon_ids(sentence: ReadSentence) -> list[str]:
    return list(dict.fromkeys(w.entity_id for w in sentence.weapons))


def _ids(parties: Sequence[PartyMention], keys: Sequence[str]) -> list[str]:
    first = {p.key: p.entity_id for p in reversed(parties)}
    return [first[key] for key in keys if key in first]
