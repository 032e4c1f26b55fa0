"""Does a sentence tell of a deal: logistic regression over named features and, where asked, its embedding.

`weights.json` is fitted by `polywire train deals`: a weight for each feature, and for the embedding a direction in its
384 dimensions. The embedding is used only where the words leave it open (between `unsure_low` and `unsure_high`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WEIGHTS = Path(__file__).parent / "weights.json"


@dataclass(frozen=True, slots=True)
class DealClassifier:
    """Weights by feature (`lexical`), with the embedding's own set beside them (`combined` and `direction`)."""

    lexical: Mapping[str, float]
    combined: Mapping[str, float]
    direction: NDArray[np.float64] | None
    center: NDArray[np.float64] | None
    threshold: float
    unsure_low: float
    unsure_high: float

    def probability(self, features: Mapping[str, float]) -> float:
        """From words and structure alone."""
        return _sigmoid(sum(self.lexical.get(name, 0.0) * value for name, value in features.items()))

    def probability_with(self, features: Mapping[str, float], vector: NDArray[np.floating]) -> float:
        """With the sentence's embedding (384 numbers, unit length)."""
        if self.direction is None or self.center is None:
            return self.probability(features)
        logit = sum(self.combined.get(name, 0.0) * value for name, value in features.items())
        return _sigmoid(logit + float((np.asarray(vector, dtype=np.float64) - self.center) @ self.direction))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, x))))


@lru_cache(maxsize=1)
def classifier() -> DealClassifier:
    """The one that comes with the code."""
    return parse_classifier(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def parse_classifier(stored: Mapping[str, object]) -> DealClassifier:
    """From the JSON of `weights.json`.

    Raises:
        KeyError, TypeError: a part is missing or of the wrong type.
    """
    direction, center = stored.get("direction"), stored.get("center")
    return DealClassifier(
        lexical=dict(stored["lexical"]),  # type: ignore[call-overload]
        combined=dict(stored.get("combined") or {}),  # type: ignore[call-overload]
        direction=np.array(direction, dtype=np.float64) if direction else None,
        center=np.array(center, dtype=np.float64) if center else None,
        threshold=float(stored["threshold"]),  # type: ignore[arg-type]
        unsure_low=float(stored["unsure_low"]),  # type: ignore[arg-type]
        unsure_high=float(stored["unsure_high"]),  # type: ignore[arg-type]
    )
