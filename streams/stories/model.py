"""The weights of the decision, as `polywire train stories` wrote them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIGNALS = (
    "similarity", "age", "common", "places", "elsewhere", "weapons", "words", "names", "numbers", "entities",
)  # fmt: skip
"""See signals.py."""
WEIGHTS_FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class Weights:
    """Closeness = sum of weight times signal. Join where it reaches `join`, keep together where it reaches `repair`."""

    cohesion: float
    """Power of a story's own width by which similarity is divided; 0: none."""
    width: float
    """How alike two articles of one story usually are (see width.py)."""
    grown: float
    """By how much closer than others two stories must be that are grown and full (see width.py), in a repair."""
    signals: tuple[float, ...]
    join: float
    repair: float
    stay: float
    """What two articles already in one story gain in a repair, so that stories do not flicker."""
    slope: float
    """From closeness beyond the threshold to log-odds."""

    def weight(self, signal: str) -> float:
        return self.signals[SIGNALS.index(signal)]

    def closeness(self, values: Sequence[float]) -> float:
        return sum(v * w for v, w in zip(values, self.signals, strict=True))

    def probability(self, closeness: float) -> float:
        """That an article of this closeness to a story belongs to it."""
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, self.slope * (closeness - self.join)))))

    @classmethod
    def load(cls, path: Path = WEIGHTS_FILE) -> Weights:
        """Raises:
        ValueError: the file names other signals than the code computes.
        """
        return cls.parse(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, stored: dict[str, Any]) -> Weights:
        named = stored["signals"]
        if set(named) != set(SIGNALS):
            raise ValueError(f"weights for {sorted(named)}, not for {sorted(SIGNALS)}")
        others = {k: float(stored[k]) for k in ("cohesion", "width", "grown", "join", "repair", "stay", "slope")}
        return cls(signals=tuple(float(named[name]) for name in SIGNALS), **others)

    def dump(self) -> dict[str, Any]:
        return {
            "cohesion": self.cohesion,
            "width": self.width,
            "grown": self.grown,
            "signals": dict(zip(SIGNALS, self.signals, strict=True)),
            "join": self.join,
            "repair": self.repair,
            "stay": self.stay,
            "slope": self.slope,
        }


START = Weights(
    cohesion=1.0,
    width=0.6,
    grown=0.4,
    signals=(1.0, 0.15, 0.85, 0.1, 0.2, 0.2, 0.0, 0.015, 0.01, 0.02),
    join=0.7,
    repair=0.6,
    stay=0.02,
    slope=20.0,
)
"""Where training begins, set by hand. It is left only for a gain worth having: the development sets are headlines
without names in common, translations and blurbs, and ordinary news shares more names and entities than they do."""
