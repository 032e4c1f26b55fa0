"""What the reader has learnt, together: given to it as one, so that cross-validation can give it other weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from streams.deals import act
from streams.deals.classifier import DealClassifier, classifier
from streams.deals.roles import role_weights


@dataclass(frozen=True, slots=True)
class Learnt:
    """Whether it is a deal; who supplies whom, in a sentence alone (`roles`) and in its article (`sides`), by feature;
    which act and status, by question, answer and feature."""

    classifier: DealClassifier
    roles: Mapping[str, tuple[float, float]]
    sides: Mapping[str, tuple[float, float]]
    acts: Mapping[str, act.Weights]


@lru_cache(maxsize=1)
def shipped() -> Learnt:
    """Those that come with the code."""
    roles = role_weights()
    return Learnt(classifier(), roles["sentence"], roles["article"], act.weights())
