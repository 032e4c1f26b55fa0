"""What everything in the stream has in common, taken out of each embedding.

Where one topic floods the stream, all its articles are alike, and alike in their language: what tells its events
apart is what is left after the mean of the stream's own stories in that language is taken away. Each story counts
once in the mean, however many articles it has, so that a burst of reports on one event does not erase the event.
A language new to the stream starts from no correction and earns its mean story by story.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.stories.vectors import DIMENSIONS, SCALE, Bytes, Vector, quantise_rows

PRIOR_STORIES = 30.0
"""A language's mean counts as if so many stories without any common direction had been seen before."""
_STEPS = 16.0
"""Means are kept in sixteenths, so that subtracting them is exact too."""


class StreamMeans:
    """The mean of each language in the stream, as last estimated. Empty: vectors pass unchanged."""

    def __init__(self, means: dict[str, npt.NDArray[np.float64]] | None = None) -> None:
        self._means = means or {}
        self._lengths = {k: math.sqrt(float(np.square(m).sum())) / SCALE for k, m in self._means.items()}

    @classmethod
    def estimate(cls, articles: Iterable[tuple[str, str, Bytes]]) -> StreamMeans:
        """From (language, story, vector) of each article; the result depends on their order, in the last bits."""
        grouped: dict[str, dict[str, list[Bytes]]] = {}
        for language, story, vector in articles:
            grouped.setdefault(language, {}).setdefault(story, []).append(vector)
        means = {}
        for language, stories in grouped.items():
            total = np.zeros(DIMENSIONS)
            for vectors in stories.values():
                total += np.sum(vectors, axis=0, dtype=np.float64) / len(vectors)
            means[language] = np.rint(total / (len(stories) + PRIOR_STORIES) * _STEPS) / _STEPS
        return cls(means)

    def length(self, language: str) -> float:
        """Of a language's mean, where an article has 1: how much all its articles have in common."""
        return self._lengths.get(language, 0.0)

    def center(self, vector: Bytes, language: str) -> Vector:
        """(384,) whole numbers: the vector less the mean of its language, at length 256 again."""
        mean = self._means.get(language)
        if mean is None:
            return vector.astype(np.float32)
        centred: Vector = quantise_rows((vector - mean)[None, :])[0].astype(np.float32)
        return centred

    def center_rows(self, vectors: npt.NDArray[np.int8], languages: list[str]) -> Vector:
        """`center` for each row of (n, 384)."""
        centred = vectors.astype(np.float64)
        names = np.array(languages)
        for language in sorted(set(languages)):
            mean = self._means.get(language)
            if mean is not None:
                rows = np.flatnonzero(names == language)
                centred[rows] = quantise_rows(centred[rows] - mean)
        return centred.astype(np.float32)

    def dump(self) -> dict[str, Any]:
        """JSON-able; 1 kB a language."""
        return {
            language: base64.b64encode((mean * _STEPS).astype("<i2").tobytes()).decode("ascii")
            for language, mean in self._means.items()
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> StreamMeans:
        """The opposite of `dump`."""
        return cls(
            {k: np.frombuffer(base64.b64decode(v), "<i2").astype(np.float64) / _STEPS for k, v in stored.items()}
        )
