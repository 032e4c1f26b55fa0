"""The weights of the decision, as `polywire train stories` wrote them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from streams.stories.signals import SIGNALS

WEIGHTS_FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class Weights:
    """Log-odds = bias + sum of weight times signal; an article joins where that is positive."""

    bias: float
    signals: tuple[float, ...]

    @classmethod
    def load(cls, path: Path = WEIGHTS_FILE) -> Weights:
        """Raises:
        ValueError: the file names other signals than the code computes.
        """
        stored = json.loads(path.read_text(encoding="utf-8"))
        if set(stored["signals"]) != set(SIGNALS):
            raise ValueError(f"{path.name} has weights for {sorted(stored['signals'])}, not {sorted(SIGNALS)}")
        return cls(float(stored["bias"]), tuple(float(stored["signals"][name]) for name in SIGNALS))
