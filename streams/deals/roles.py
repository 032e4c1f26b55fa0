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
from itertools import pairwise
from pathlib import Path

from streams.deals.demonyms import is_adjective
from streams.deals.markers import markers_of
from streams.deals.parties import PartyMention
from streams.deals.sentence import ReadSentence
from streams.words.lexicon import Hit

GIVING = frozenset({"give", "sell", "aid"})
GETTING = frozenset({"buy", "get"})
_ONE_WAY = frozenset({"from", "to"})
"""Markers of which another party's speaks for this one's being the other side, or of the same side."""

Chances = tuple[float, float, float]
"""Probabilities of being the supplier, the recipient, and neither."""

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
_PREDICATES = {cls: frame for frame, classes in _FRAMES.items() for cls in classes if frame not in ("say", "deal")}
_SENSES = frozenset({"give", "get", "upgrade", "want"})
"""Of these frames the one nearest to a party counts once more: in long sentences it is the party's own."""
_CLOSE = 12
_RELUCTANCE = 0.4
"""How much the chance of being neither counts: a sentence that tells of a deal mostly names its parties. Chosen, like
the penalty in training, by cross-validation over languages and families."""
_RELUCTANCE_OUTSIDE = 0.3
"""The same for a party that the sentence does not name."""
_EQUAL = 0.4
"""Probability of the same part from which a party beside the chosen one shares it."""
_LISTED = 1.0
"""What two that stand in a list lose as supplier and recipient of each other; logarithm of odds."""
_LIST_WORD = 4
"""Characters of a word between two names that makes a list of them."""
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
def role_weights() -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """Those of the code: `sentence` where it stands alone, `article` where its article is known (see `sides.py`).

    By feature: weight for supplier and for recipient, against being neither.
    """
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return {
        question: {name: (float(pair[0]), float(pair[1])) for name, pair in by_feature.items()}
        for question, by_feature in stored.items()
    }


def role_features(sentence: ReadSentence, key: str) -> set[str]:
    """What is to be seen of a party: the features of all its mentions together."""
    features: set[str] = {"bias"}
    mentions = [p for p in sentence.parties if p.key == key]
    keys = sentence.party_keys
    order = sentence.info.order if sentence.info else "svo"
    features.add(f"parties={min(len(keys), 4)}")
    rank = keys.index(key)
    features.add("first" if rank == 0 else "last" if rank == len(keys) - 1 else "middle")
    frame = frame_of(sentence)
    features.add(f"{frame}:rank={min(rank, 2)}:{order}")
    others = {role for p in sentence.parties if p.key != key for role in _marks(sentence, p)} & _ONE_WAY
    for mention in mentions:
        roles = _marks(sentence, mention)
        features |= {f"others {role}:{marked}" for role in others for marked in roles or {"bare"}}
        for role in roles or {"bare"}:
            features.add(role)
            features.add(f"{frame}:{role}")
            features.add(f"{order}:{role}")
        if not roles:
            features.add(f"{frame}:bare:rank={min(rank, 2)}")
        features |= _positions(sentence, mention, order, roles)
        features |= _by_main(sentence, roles, rank)
        beside = _weapon_beside(sentence, mention)
        features |= beside
        form = "adjective" if is_adjective(sentence, mention) else "name"
        features |= {form, f"{frame}:{form}"}
        if beside:
            features |= {f"weapon:{form}", f"{frame}:weapon:{form}"}
    if all(_fight_beside(sentence, mention) for mention in mentions):
        features.add("fight_follows")
    if any(w.country == key for w in sentence.weapons):
        features.add("makes_weapon")
    kind = "state" if mentions[0].is_state else "maker" if mentions[0].home else "group"
    features |= {kind, f"{frame}:{kind}"}
    return features


def _marks(sentence: ReadSentence, mention: PartyMention) -> set[str]:
    """The markers of a party. What stands before a weapon's adjective is the weapon's: "a contract for Turkish drones"
    is not one for Turkey."""
    roles = markers_of(sentence, mention)
    if roles and is_adjective(sentence, mention) and "weapon_follows" in _weapon_beside(sentence, mention):
        return {f"thing {role}" for role in roles}
    return roles


def frame_of(sentence: ReadSentence) -> str:
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


def _by_main(sentence: ReadSentence, roles: set[str], rank: int) -> set[str]:
    """The party beside the sentence's main predicate: its last one where verbs stand last, elsewhere its first."""
    hits = [h for h in sentence.hits if h.cls in _PREDICATES]
    if not hits:
        return set()
    last = sentence.info is not None and sentence.info.order == "sov"
    place = hits[-1].start if last else hits[0].start
    frames = {_PREDICATES[h.cls] for h in hits if h.start == place}
    return {f"main {frame}:{role}" for frame in frames for role in roles or {f"rank={min(rank, 2)}"}}


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
    """The most probable supplier and recipient among the sentence's own parties."""
    chances = {key: party_chances(role_features(sentence, key), weights) for key in sentence.party_keys}
    return take_pair(sentence, chances, {})


def take_pair(sentence: ReadSentence, inside: Mapping[str, Chances], outside: Mapping[str, Chances]) -> Roles:
    """The best pair of all: of parties that the sentence names (`inside`) and of others; a side may stay open."""
    chances = {**inside, **outside}
    if not chances:
        return Roles((), (), 0.0)
    odds = {}
    for key, (sup, rec, none) in chances.items():
        neither = math.log(max((_RELUCTANCE if key in inside else _RELUCTANCE_OUTSIDE) * none, 0.05))
        odds[key] = (math.log(sup) - neither, math.log(rec) - neither)
    of = {key: key for key in chances} | {p.key: p.home for p in sentence.parties if p.home}
    listed = _listed(sentence) if _one_way(sentence) else {}
    best: tuple[float, str | None, str | None] = (0.0, None, None)
    for supplier in [None, *odds]:
        for recipient in [None, *odds]:
            if supplier is not None and recipient is not None and of[supplier] == of[recipient]:
                continue
            total = (odds[supplier][0] if supplier else 0.0) + (odds[recipient][1] if recipient else 0.0)
            if supplier in listed.get(recipient or "", ()):
                total -= _LISTED
            if total > best[0] + 1e-9:
                best = (total, supplier, recipient)
    supplier, recipient = best[1], best[2]
    suppliers = _with_equals(sentence, supplier, recipient, inside, 0)
    recipients = _with_equals(sentence, recipient, supplier, inside, 1)
    score = 1.0
    for part, keys in ((0, suppliers), (1, recipients)):
        for key in keys[:1]:
            score *= chances[key][part]
    return Roles(suppliers, tuple(k for k in recipients if k not in suppliers), score)


def _one_way(sentence: ReadSentence) -> bool:
    """Whether its words go from one to another, and none of them is something that two do together."""
    return frame_of(sentence) not in ("neutral", "want+neutral") and not sentence.has("deal")


def _listed(sentence: ReadSentence) -> dict[str, set[str]]:
    """By party: those that stand beside it in a list ("Qatar and Oman")."""
    beside: dict[str, set[str]] = {}
    for one, two in pairwise(sentence.parties):
        between = sentence.folded[one.word_end : two.word_start].strip()
        if one.key != two.key and len(between) <= _LIST_WORD and not any(c in between for c in '-–—:;("'):
            beside.setdefault(one.key, set()).add(two.key)
            beside.setdefault(two.key, set()).add(one.key)
    return beside


def _with_equals(
    sentence: ReadSentence,
    chosen: str | None,
    other: str | None,
    chances: Mapping[str, Chances],
    part: int,
) -> tuple[str, ...]:
    """The chosen party and those listed beside it ("Germany, Denmark and Norway")."""
    if chosen is None:
        return ()
    if chosen not in chances:
        return (chosen,)
    keys = [chosen]
    firsts = {key: next(p for p in sentence.parties if p.key == key) for key in chances}
    for key, values in chances.items():
        if (
            key in (chosen, other)
            or values[part] < max(_EQUAL, values[1 - part])
            or (other is not None and firsts[key].home == other)
        ):
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


def party_chances(features: set[str], weights: Mapping[str, tuple[float, float]]) -> Chances:
    """Probabilities of supplier, recipient and neither."""
    sup = sum(weights[f][0] for f in sorted(features) if f in weights)
    rec = sum(weights[f][1] for f in sorted(features) if f in weights)
    top = max(sup, rec, 0.0)
    e = [math.exp(sup - top), math.exp(rec - top), math.exp(-top)]
    total = sum(e)
    return e[0] / total, e[1] / total, e[2] / total
