"""What kind of deal a sentence tells of, and how far it has come.

Two multinomial logistic regressions over the words found in the sentence; `acts.json` has a weight for each feature and
answer, readable, fitted by `polywire train deals`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import get_args

from schemas.readings import DealAct, DealStatus
from streams.deals.sentence import ReadSentence
from streams.words.lexicon import CLASSES, TRANSFER, Hit

WEIGHTS = Path(__file__).parent / "acts.json"
STATES = frozenset({"block", "cancel", "ask", "want", "plan", "deny", "allege"})

_NEAR_NEGATION = 25
_NEAR = 15
_FAR = 99
"""Characters."""

Weights = Mapping[str, Mapping[str, float]]
"""By answer, then by feature."""


@lru_cache(maxsize=1)
def weights() -> Mapping[str, Weights]:
    """Those of the code, for `act` and `status`."""
    stored: dict[str, Weights] = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return stored


def act_and_status(sentence: ReadSentence, by_question: Mapping[str, Weights]) -> tuple[DealAct, DealStatus]:
    """The most probable act and status."""
    features = act_features(sentence)
    act = most_probable(by_question["act"], features)
    status = most_probable(by_question["status"], features)
    return (
        next((known for known in get_args(DealAct) if known == act), "other"),
        next((known for known in get_args(DealStatus) if known == status), "reported"),
    )


def most_probable(by_answer: Weights, features: Mapping[str, float]) -> str:
    """The answer with the highest score; of equals the first by name."""
    return max(
        sorted(by_answer),
        key=lambda answer: sum(by_answer[answer].get(name, 0.0) * value for name, value in features.items()),
    )


def act_features(sentence: ReadSentence) -> dict[str, float]:
    """Which words the sentence has, which of them stands first and nearest to the weapon, what is negated."""
    features = {"bias": 1.0}
    for cls in CLASSES:
        count = len(sentence.by_class.get(cls, ()))
        if count:
            features[cls] = 1.0
        if count > 1:
            features[f"{cls}+"] = 1.0
    for name, classes in (("transfer", TRANSFER), ("state", STATES)):
        hits = [hit for hit in sentence.hits if hit.cls in classes]
        if hits:
            nearest = min(hits, key=lambda hit: (_to_weapon(sentence, hit), hit.start))
            features[f"nearest {name}: {nearest.cls}"] = 1.0
            features[f"first {name}: {hits[0].cls}"] = 1.0
    transfers = sentence.transfers
    for cls in sorted(STATES & sentence.by_class.keys()):
        if transfers:
            gap = min(_gap(a, b) for a in sentence.by_class[cls] for b in transfers)
            features[f"{cls} near transfer"] = _NEAR / (_NEAR + gap)
    verbs = [hit for cls in ("give", "sell") for hit in sentence.by_class.get(cls, ())]
    if any(abs(n.start - v.start) <= _NEAR_NEGATION for n in sentence.by_class.get("neg", ()) for v in verbs):
        features["negated transfer"] = 1.0
    return features


def _to_weapon(sentence: ReadSentence, hit: Hit) -> int:
    return min((max(start - hit.end, hit.start - end, 0) for start, end in sentence.weapon_spans), default=_FAR)


def _gap(one: Hit, two: Hit) -> int:
    return max(one.start - two.end, two.start - one.end, 0)
