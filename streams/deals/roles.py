"""Who supplies and who receives: every party of a sentence scored for either part, the best pair taken.

A log-linear model over markers, word order and the sense of the predicate (giving or getting); its weights are in
`roles.json`, readable, fitted by `polywire train deals`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from streams.deals.lexicon import Hit
from streams.deals.markers import markers_of
from streams.deals.parties import PartyMention
from streams.deals.sentence import ReadSentence

GIVING = frozenset({"give", "sell", "aid"})
GETTING = frozenset({"buy", "get"})

WEIGHTS = Path(__file__).parent / "roles.json"
_FRAMES = {
    "give": GIVING,
    "get": GETTING,
    "deal": frozenset({"deal", "lease"}),
    "licence": frozenset({"licence"}),
    "upgrade": frozenset({"upgrade"}),
    "want": frozenset({"want"}),
    "block": frozenset({"block"}),
    "say": frozenset({"allege", "deny"}),
}
_SENSES = frozenset({"give", "get", "upgrade", "want"})
"""Of these frames the one nearest to a party counts once more: in long sentences it is the party's own."""
_CLOSE = 12
_RELUCTANCE = 0.4
"""How much the chance of being neither counts: a sentence that tells of a deal mostly names its parties. Chosen, like
the penalty in training, by cross-validation over languages and families."""
_WAR_NEAR = 14
_NEAR = 30
"""Characters within which a weapon belongs to the name beside it ("Russian S-400"), and a word of war."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Keys of the parties, with the probability of the choice."""

    supplier: tuple[str, ...]
    recipient: tuple[str, ...]
    score: float


@lru_cache(maxsize=1)
def role_weights() -> Mapping[str, tuple[float, float]]:
    """By feature: weight for supplier and for recipient, against being neither."""
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return {name: (float(pair[0]), float(pair[1])) for name, pair in stored.items()}


def role_features(sentence: ReadSentence, key: str) -> set[str]:
    """What is to be seen of a party: the features of all its mentions together."""
    features: set[str] = {"bias"}
    mentions = [p for p in sentence.parties if p.key == key]
    keys = sentence.party_keys
    order = sentence.info.order if sentence.info else "svo"
    features.add(f"parties={min(len(keys), 4)}")
    rank = keys.index(key)
    features.add("first" if rank == 0 else "last" if rank == len(keys) - 1 else "middle")
    frame = _frame(sentence)
    features.add(f"{frame}:rank={min(rank, 2)}:{order}")
    for mention in mentions:
        roles = markers_of(sentence, mention)
        for role in roles or {"bare"}:
            features.add(role)
            features.add(f"{frame}:{role}")
            features.add(f"{order}:{role}")
        if not roles:
            features.add(f"{frame}:bare:rank={min(rank, 2)}")
        features |= _positions(sentence, mention, order, roles)
        features |= _weapon_beside(sentence, mention)
    if all(_fight_beside(sentence, mention) for mention in mentions):
        features.add("fight_follows")
    if any(w.country == key for w in sentence.weapons):
        features.add("makes_weapon")
    kind = "state" if mentions[0].is_state else "maker" if mentions[0].home else "group"
    features |= {kind, f"{frame}:{kind}"}
    return features


def _frame(sentence: ReadSentence) -> str:
    """The sense of the sentence's predicates: giving, getting, both, wanted or not."""
    giving = sum(len(sentence.by_class.get(c, ())) for c in GIVING)
    getting = sum(len(sentence.by_class.get(c, ())) for c in GETTING)
    sense = "both" if giving and getting else "give" if giving else "get" if getting else "neutral"
    return f"want+{sense}" if sentence.has("want") else sense


def _positions(sentence: ReadSentence, mention: PartyMention, order: str, roles: set[str]) -> set[str]:
    features = set()
    nearest_of_all: tuple[int, str] | None = None
    for frame, classes in _FRAMES.items():
        hits = [h for c in classes for h in sentence.by_class.get(c, ())]
        if not hits:
            continue
        nearest = min(hits, key=lambda h: (abs(h.start - mention.start), h.start))
        side = "before" if mention.start < nearest.start else "after"
        features.add(f"{frame}:{side}:{order}")
        if not roles:
            features.add(f"{frame}:{side}:unmarked")
        distance = nearest.start - mention.end if side == "before" else mention.start - nearest.end
        if distance <= _CLOSE:
            features.add(f"{frame}:{side}:close")
        if frame in _SENSES and (nearest_of_all is None or distance < nearest_of_all[0]):
            nearest_of_all = (distance, f"{frame}:{side}")
    if nearest_of_all is not None:
        for role in roles or {"bare"}:
            features.add(f"nearest:{nearest_of_all[1]}:{role}")
    return features


def _weapon_beside(sentence: ReadSentence, mention: PartyMention) -> set[str]:
    features = set()
    for start, end in sentence.weapon_spans:
        if 0 <= start - mention.word_end <= _NEAR and not _party_between(sentence, mention.end, start):
            gap = sentence.folded[mention.word_end : start]
            if len(gap.split()) <= 2 and not any(c in gap for c in ",;:"):
                features.add("weapon_follows")
        if 0 <= mention.start - end <= 8:
            features.add("weapon_precedes")
    return features


def _fight_beside(sentence: ReadSentence, mention: PartyMention) -> bool:
    """Named for its war ("Russian aggression", "Russia's invasion"), not as a party."""
    return any(0 <= hit.start - mention.end <= _WAR_NEAR for hit in sentence.by_class.get("fight", ()))


def _party_between(sentence: ReadSentence, start: int, end: int) -> bool:
    return any(start <= p.start < end for p in sentence.parties)


def assign_roles(sentence: ReadSentence, weights: Mapping[str, tuple[float, float]]) -> Roles:
    """The most probable supplier and recipient among the sentence's parties."""
    chances = {key: party_chances(role_features(sentence, key), weights) for key in sentence.party_keys}
    if not chances:
        return Roles((), (), 0.0)
    best: tuple[float, str | None, str | None] = (-math.inf, None, None)
    for supplier in [None, *chances]:
        for recipient in [None, *chances]:
            if supplier is not None and supplier == recipient:
                continue
            total = 0.0
            for key, (sup, rec, none) in chances.items():
                neither = max(_RELUCTANCE * none, 0.05)
                total += math.log(sup if key == supplier else rec if key == recipient else neither)
            if total > best[0] + 1e-9:
                best = (total, supplier, recipient)
    supplier, recipient = best[1], best[2]
    suppliers = _with_equals(sentence, supplier, recipient, chances, 0)
    recipients = _with_equals(sentence, recipient, supplier, chances, 1)
    score = 1.0
    for part, keys in ((0, suppliers), (1, recipients)):
        for key in keys[:1]:
            score *= chances[key][part]
    return Roles(suppliers, tuple(k for k in recipients if k not in suppliers), score)


def _with_equals(
    sentence: ReadSentence,
    chosen: str | None,
    other: str | None,
    chances: Mapping[str, tuple[float, float, float]],
    part: int,
) -> tuple[str, ...]:
    """The chosen party and those listed beside it ("Germany, Denmark and Norway")."""
    if chosen is None:
        return ()
    keys = [chosen]
    firsts = {key: next(p for p in sentence.parties if p.key == key) for key in chances}
    for key, values in chances.items():
        if key in (chosen, other) or values[part] < 0.4:
            continue
        one, two = sorted((firsts[key], firsts[chosen]), key=lambda p: p.start)
        between = sentence.folded[one.word_end : two.word_start]
        others = [p for p in sentence.parties if one.end <= p.start < two.start]
        if len(between) <= 8 + 14 * len(others) and not any(
            h.cls in GIVING | GETTING for h in _hits_between(sentence, one.end, two.start)
        ):
            keys.append(key)
    return tuple(keys)


def _hits_between(sentence: ReadSentence, start: int, end: int) -> list[Hit]:
    return [h for h in sentence.hits if start <= h.start < end]


def party_chances(features: set[str], weights: Mapping[str, tuple[float, float]]) -> tuple[float, float, float]:
    """Probabilities of supplier, recipient and neither."""
    sup = sum(weights[f][0] for f in sorted(features) if f in weights)
    rec = sum(weights[f][1] for f in sorted(features) if f in weights)
    top = max(sup, rec, 0.0)
    e = [math.exp(sup - top), math.exp(rec - top), math.exp(-top)]
    total = sum(e)
    return e[0] / total, e[1] / total, e[2] / total
