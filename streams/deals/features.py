"""What the classifier sees of a sentence: numbers with readable names, all between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable

from streams.deals.markers import markers_of
from streams.deals.roles import Roles
from streams.deals.sentence import ReadSentence
from streams.words.lexicon import CLASSES, OTHER_TALK, TRANSFER, Hit

_BESIDE = 12
_NEAR = 40
"""Characters: about six words, in scripts without spaces more."""


def sentence_features(sentence: ReadSentence, roles: Roles, context: ReadSentence | None) -> dict[str, float]:
    """Features of a sentence and of the one before it (`context`); absent ones are 0."""
    features: dict[str, float] = {"bias": 1.0}
    for cls in CLASSES:
        count = len(sentence.by_class.get(cls, ()))
        if count and cls != "neg":
            features[cls] = 1.0
            if count > 1 and cls in OTHER_TALK:
                features[f"{cls}+"] = min(count - 1, 3) / 3
    transfer_classes = [c for c in sentence.by_class if c in TRANSFER]
    features["transfer_classes"] = min(len(transfer_classes), 4) / 4
    strong = any(c in sentence.by_class for c in ("give", "sell", "buy", "get"))
    features["strong_transfer"] = float(strong)

    spans = sentence.weapon_spans
    features["weapon_named"] = float(any(w.named for w in sentence.weapons))
    features["weapon_class"] = float(any(not w.named for w in sentence.weapons))
    features["weapon"] = float(bool(spans))
    features["no_weapon"] = float(not spans)
    features["weapons+"] = min(max(len(spans) - 1, 0), 4) / 4
    features["gear_only"] = float(bool(spans) and not sentence.weapons and "arms" not in sentence.by_class)
    features["gear_by_neighbours"] = float(bool(features["gear_only"]) and not sentence.has("mil"))

    keys = sentence.party_keys
    features["parties=0"] = float(not keys)
    features["parties=0,context"] = float(not keys and context is not None and bool(context.parties))
    features["no_transfer"] = float(not transfer_classes)
    features["company"] = float(any(not p.is_state for p in sentence.parties))
    features["has_supplier"] = float(bool(roles.supplier))
    features["has_recipient"] = float(bool(roles.recipient))
    features["both_roles"] = float(bool(roles.supplier and roles.recipient))
    features["role_score"] = roles.score if roles.supplier and roles.recipient else 0.0

    transfers = [h for h in sentence.hits if h.cls in TRANSFER]
    gap = _gap(transfers, spans)
    features["transfer_near_weapon"] = _nearness(gap)
    features["transfer_touches_weapon"] = float(gap is not None and gap <= 8)
    features["transfer_near_party"] = _nearness(_gap(transfers, [(p.start, p.end) for p in sentence.parties]))
    places = [(p.start, p.end) for p in sentence.parties]
    marked = {role for party in sentence.parties for role in markers_of(sentence, party)}
    for role in ("from", "to"):
        if role in marked and spans:
            features[f"{role}_party"] = 1.0
            if not strong:
                features[f"{role}_party_only"] = 1.0
            if sentence.weapons and "weapon_named" in features and features["weapon_named"]:
                features[f"{role}_party_named"] = 1.0
    if {"from", "to"} <= marked and spans:
        features["from_party_to_party"] = 1.0
    joined = any(_close(hit, spans) and _close(hit, places) for hit in transfers)
    features["transfer_joins"] = float(joined)
    if joined and sentence.has("fight"):
        features["transfer_joins_in_war"] = 1.0
    features["fight_near_weapon"] = _nearness(_gap(sentence.by_class.get("fight", []), spans))
    features["civil_near_weapon"] = _nearness(_gap(sentence.by_class.get("civil", []), spans))
    features["own_near_weapon"] = _nearness(_gap(sentence.by_class.get("own", []), spans))
    features["test_near_weapon"] = _nearness(_gap(sentence.by_class.get("test", []), spans))
    if sentence.has("fight") and not strong:
        features["fight_without_strong"] = 1.0
    if sentence.has("civil") and not sentence.has("mil"):
        features["civil_without_mil"] = 1.0
    features["civil_text"] = float(sentence.civil_text and not sentence.has("arms"))
    if sentence.has("mil") and strong and spans:
        features["mil_and_strong"] = 1.0
    if strong and spans and len(keys) >= 2:
        features["strong_weapon_parties"] = 1.0
    for cls in ("ask", "block", "aid"):
        if sentence.has(cls) and spans and len(keys) >= 2 and not strong:
            features[f"{cls}_weapon_parties"] = 1.0
    if sentence.weapons and not sentence.has("arms", "gear", "mil"):
        features["name_only"] = 1.0
    if sentence.has("deal") and spans and len(keys) >= 2:
        features["deal_weapon_parties"] = 1.0
    if context is not None:
        features["context_weapon"] = float(bool(context.weapon_spans))
        features["context_transfer"] = float(context.has("give", "sell", "buy", "get"))
        features["context_civil"] = float(context.has("civil"))
        features["context_fight"] = float(context.has("fight"))
    return {name: round(value, 4) for name, value in features.items() if value}


def _gap(hits: Iterable[Hit], spans: list[tuple[int, int]]) -> int | None:
    """Characters between the nearest hit and span; None where either is absent."""
    best: int | None = None
    for hit in hits:
        for start, end in spans:
            distance = max(start - hit.end, hit.start - end, 0)
            if best is None or distance < best:
                best = distance
    return best


def _close(hit: Hit, spans: list[tuple[int, int]]) -> bool:
    """Whether the hit stands beside one of the spans, a word between them at most."""
    gap = _gap([hit], spans)
    return gap is not None and gap <= _BESIDE


def _nearness(gap: int | None) -> float:
    return 0.0 if gap is None else _NEAR / (_NEAR + gap)
