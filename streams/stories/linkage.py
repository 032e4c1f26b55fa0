"""Agglomerative clustering of a window of articles: average linkage over each cluster's own width.

Two clusters are as close as their members on average, divided by how close the members of each are among themselves
(to a power): a story told in many ways takes in what a story of near-identical copies would not. Clusters of several
full texts must be closer than others to become one. Costs n^2 memory (4 bytes each) and somewhat over n^2 time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.stories.model import Weights
from streams.stories.width import grown, width

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
_NEVER = -1e9


class Linkage:
    """Clusters of n items, merged best first; ties go to the item that comes first."""

    def __init__(self, closeness: Matrix, shared: Floats, detail: Floats, weights: Weights) -> None:
        """`closeness` (n, n) is symmetric, with 1 on the diagonal; it is used up.

        `shared` (n,) is the length of what was taken out of each item as common to the stream; `detail` (n,) how
        much of a full text it has, 0 to 1. Of the weights it takes `cohesion`, `width`, `grown` and `common`.
        """
        n = len(closeness)
        self.labels = np.arange(n)
        """(n,) for each item the first item of its cluster."""
        self._sums = closeness
        self._size = np.ones(n)
        self._own = closeness.diagonal().astype(np.float64)
        self._shared = shared.astype(np.float64).copy()
        self._detail = detail.astype(np.float64).copy()
        self._alive = np.ones(n, bool)
        self._weights, self._common = weights, weights.weight("common")
        self._best = np.full(n, _NEVER)
        self._other = np.zeros(n, np.int64)
        # What a cluster brings into its closeness to any other: scale, mean of shared, of detail times grown.
        self._scale, self._taken, self._known = np.ones(n), np.zeros(n), np.zeros(n)
        self._measure(np.arange(n))

    def join(self, items: list[int]) -> None:
        """Put items together before anything is compared."""
        for item in items[1:]:
            one, other = int(self.labels[items[0]]), int(self.labels[item])
            if one != other:
                self._merge(*((one, other) if one < other else (other, one)))

    def run(self, threshold: float) -> npt.NDArray[np.int64]:
        """Merge while the two closest clusters are at least `threshold` close; returns `labels`."""
        for each in np.flatnonzero(self._alive).tolist():
            self._look(each)
        while True:
            i = int(self._best.argmax())
            if self._best[i] < threshold:
                return self.labels
            j = int(self._other[i])
            first, second = (i, j) if i < j else (j, i)
            self._merge(first, second)
            row = self._row(first)
            # Who pointed at one of the two must look again; who is closer now than to its best points here.
            lost = self._alive & ((self._other == first) | (self._other == second))
            lost[first] = True
            for each in np.flatnonzero(lost).tolist():
                self._look(each)
            better = self._alive & (row > self._best)
            better[first] = False
            self._best[better] = row[better]
            self._other[better] = first

    def _merge(self, first: int, second: int) -> None:
        self._own[first] += self._own[second] + 2.0 * float(self._sums[first, second])
        self._sums[first] += self._sums[second]
        self._sums[:, first] = self._sums[first]
        self._size[first] += self._size[second]
        self._shared[first] += self._shared[second]
        self._detail[first] += self._detail[second]
        self._measure(np.array([first]))
        self._alive[second] = False
        self._best[second] = _NEVER
        self.labels[self.labels == second] = first

    def _measure(self, clusters: npt.NDArray[np.intp]) -> None:
        size = self._size[clusters]
        wide = width(self._own[clusters], size, self._weights.width)
        self._scale[clusters] = 1.0 / (size * np.power(wide, self._weights.cohesion / 2))
        self._taken[clusters] = self._shared[clusters] / size
        self._known[clusters] = grown(size) * self._detail[clusters] / size

    def _row(self, i: int) -> Floats:
        """(n,) closeness of cluster i to every other."""
        row: Floats = self._sums[i] * (self._scale[i] * self._scale)
        row += (self._common * self._taken[i]) * self._taken
        if self._known[i]:
            row -= (self._weights.grown * self._known[i]) * self._known
        row[~self._alive] = _NEVER
        row[i] = _NEVER
        return row

    def _look(self, i: int) -> None:
        row = self._row(i)
        self._other[i] = row.argmax()
        self._best[i] = row[self._other[i]]
