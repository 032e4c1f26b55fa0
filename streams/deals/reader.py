"""Reading an article: screen its sentences, score those that pass, say who transfers what to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from streams.deals.sides import open_side, with_home
from streams.entities.lookup import country_id

Embed = Callable[[Sequence[str]], np.ndarray]

MAX_CANDIDATES = 40
"""Sentences scored by words; the first ones of a text that passes the screen more often than that."""
MAX_EMBEDDED = 3
"""Sentences embedded: the embedder's time is most of an article's."""
MAX_DEALS = 8
_MIN_SCORE = 0.35
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
        deals = _deals(candidates, scores, len(title), find_parties(entities, full)) if arms_deal else []
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


def _deals(candidates: list[Candidate], scores: list[float], title_end: int, parties: list[PartyMention]) -> list[Deal]:
    """One deal for each pair of parties, told by its most probable sentence."""
    ranked = sorted(range(len(candidates)), key=lambda i: (-scores[i], i))
    floor = min(_MIN_SCORE, scores[ranked[0]])
    told: list[_Told] = []
    for i in ranked:
        if scores[i] < floor:
            break
        roles = candidates[i].roles
        told.append(
            _Told(candidates[i], scores[i], roles.supplier, roles.recipient, _weapon_ids(candidates[i].sentence))
        )
    kept: list[_Told] = []
    for one in sorted(told, key=lambda t: not (t.supplier and t.recipient)):
        same = next((k for k in kept if _same_transfer(k, one)), None)
        if same is None:
            kept.append(one)
        else:
            same.weapons += [w for w in one.weapons if w not in same.weapons]
    kept = [k for k in kept if k.supplier or k.recipient] or kept[:1]
    kept.sort(key=lambda k: -k.score)
    for one in kept:
        _fill(one, title_end, parties)
    return [_deal(one, parties) for one in kept[:MAX_DEALS]]


def _fill(told: _Told, title_end: int, parties: list[PartyMention]) -> None:
    """Take an open side from what stands about the sentence."""
    sentence = told.candidate.sentence
    if not told.supplier and not told.recipient:
        for other in (told.candidate.previous, told.candidate.title):
            roles = assign_roles(other) if other is not None else None
            if roles is not None and roles.supplier and roles.recipient:
                told.supplier, told.recipient = roles.supplier, roles.recipient
                return
        return
    if not told.supplier:
        key = open_side(sentence, told.recipient, parties, title_end, supplier=True)
        told.supplier = (key,) if key else ()
    elif not told.recipient:
        key = open_side(sentence, told.supplier, parties, title_end, supplier=False)
        told.recipient = (key,) if key else ()


@dataclass(slots=True)
class _Told:
    """A transfer as one sentence tells it; sides may be open."""

    candidate: Candidate
    score: float
    supplier: tuple[str, ...]
    recipient: tuple[str, ...]
    weapons: list[str]


def _same_transfer(full: _Told, other: _Told) -> bool:
    """Whether `other` says no more of the parties than `full` does."""
    return set(other.supplier) <= set(full.supplier) and set(other.recipient) <= set(full.recipient)


def _deal(told: _Told, parties: list[PartyMention]) -> Deal:
    sentence = told.candidate.sentence
    return Deal(
        act=deal_act(sentence),
        status=deal_status(sentence),
        supplier=_ids(parties, with_home(told.supplier, parties)),
        recipient=_ids(parties, with_home(told.recipient, parties)),
        weapons=told.weapons,
        amount=stated_sum(sentence.text),
        quantity=stated_quantity(sentence.text, sentence.start, sentence.weapon_spans),
        score=round(told.score, 4),
        evidence=Evidence(start=sentence.start, end=sentence.end, text=sentence.text),
    )


def _weapon_ids(sentence: ReadSentence) -> list[str]:
    return list(dict.fromkeys(w.entity_id for w in sentence.weapons))


def _ids(parties: Sequence[PartyMention], keys: Sequence[str]) -> list[str]:
    first = {p.key: p.entity_id for p in reversed(parties)}
    found = (first.get(key) or country_id(key) for key in keys)
    return [identity for identity in found if identity]
