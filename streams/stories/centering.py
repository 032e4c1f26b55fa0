"""What everything in the stream has in common, taken out of each embedding.

Where one topic floods the stream, all its articles are alike, and alike in their language: what tells its events
apart is what is left after the mean of the stream's own stories in that language is taken away. Each story counts
once in the mean, however many articles it has, so that a burst of reports on one event does not erase the event.
A language new to the stream starts from no correction and earns its mean story by story.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.stories.record import Record
from streams.stories.vectors import DIMENSIONS, Bytes, Vector, quantise_rows

PRIOR_STORIES = 30.0
"""A language's mean counts as if so many stories without any common direction had been seen before."""
_STEPS = 16.0
"""Means are kept in sixteenths, so that subtracting them is exact too."""


class StreamMeans:
    """The mean of each language in the stream, as last estimated. Empty: vectors pass unchanged."""

    def __init__(self) -> None:
        self._means: dict[str, npt.NDArray[np.float64]] = {}

    @classmethod
    def estimate(cls, records: Iterable[Record]) -> StreamMeans:
        """From the articles in memory; they must come in the order of their sequence."""
        sums: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
        counts: dict[tuple[str, str], int] = {}
        for record in records:
            stories = sums.setdefault(record.language, {})
            if record.story in stories:
                stories[record.story] += record.vector
            else:
                stories[record.story] = record.vector.astype(np.float64)
            key = (record.language, record.story)
            counts[key] = counts.get(key, 0) + 1
        found = cls()
        for language, stories in sums.items():
            total = np.zeros(DIMENSIONS)
            for story, vectors in stories.items():
                total += vectors / counts[language, story]
            found._means[language] = np.rint(total / (len(stories) + PRIOR_STORIES) * _STEPS) / _STEPS
        return found

    def center(self, vector: Bytes, language: str) -> Vector:
        """(384,) whole numbers: the vector less the mean of its language, at length 256 again."""
        mean = self._means.get(language)
        if mean is None:
            return vector.astype(np.float32)
        return quantise_rows((vector - mean)[None, :])[0].astype(np.float32)

    def dump(self) -> dict[str, Any]:
        return {
            language: base64.b64encode((mean * _STEPS).astype("<i2").tobytes()).decode("ascii")
            for language, mean in self._means.items()
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> StreamMeans:
        """The opposite of `dump`."""
        found = cls()
        for language, text in stored.items():
            found._means[language] = np.frombuffer(base64.b64decode(text), "<i2").astype(np.float64) / _STEPS
        return found
