"""The nearest stories among very many, looked for in a few cells instead of everywhere.

Cluster pruning (Chierichetti et al. 2007, "Finding near neighbors through cluster pruning"): about the square root of
n stories are made leaders, each story is kept with its nearest leader, and a search looks only into the cells of the
leaders nearest to it. Leaders are drawn from the stories themselves, so a crowded topic gets more of them. Which
cell a story is in depends on the leaders and on the story alone, not on the order of events: a restored index finds
what the old one would have found. Below a few thousand stories there is one cell, and the search is exact.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from streams.stories.story import Story
from streams.stories.vectors import DIMENSIONS, Vector, quantise_rows

MIN_STORIES = 2_000
"""Fewer are searched one and all."""
MIN_ROWS = 1_200
"""Cells are opened, nearest leader first, until so many stories have been looked at."""


class Leaders:
    """What divides the stories into cells; none: one cell."""

    def __init__(self, vectors: Vector | None = None) -> None:
        self.vectors = vectors
        """(n, 384) whole numbers, all of the same length but for rounding."""

    @property
    def cells(self) -> int:
        return 1 if self.vectors is None else len(self.vectors)

    def nearest(self, vector: Vector) -> int:
        """The cell of a story whose sum is `vector`; the first of equals."""
        return 0 if self.vectors is None else int((self.vectors @ vector).argmax())

    def order(self, vector: Vector) -> list[int]:
        """All cells, nearest first."""
        if self.vectors is None:
            return [0]
        order: list[int] = np.argsort(-(self.vectors @ vector), kind="stable").tolist()
        return order

    @classmethod
    def choose(cls, stories: list[Story], sums: Vector) -> Leaders:
        """About the square root of n of these stories, evenly spread over their ids, which are as good as random."""
        if len(stories) < MIN_STORIES:
            return cls()
        order = sorted(range(len(stories)), key=lambda i: stories[i].id)
        chosen = order[:: max(1, round(len(order) ** 0.5))]
        return cls(quantise_rows(sums[chosen]).astype(np.float32))

    def dump(self) -> str | None:
        """JSON-able; 512 characters a leader."""
        if self.vectors is None:
            return None
        return base64.b64encode(self.vectors.astype(np.int8).tobytes()).decode("ascii")

    @classmethod
    def load(cls, stored: Any) -> Leaders:
        """The opposite of `dump`."""
        if stored is None:
            return cls()
        vectors = np.frombuffer(base64.b64decode(stored), np.int8).reshape(-1, DIMENSIONS)
        return cls(vectors.astype(np.float32))


class Cells:
    """The sum of the vectors of each story, in the cell of its nearest leader."""

    def __init__(self, leaders: Leaders) -> None:
        self.leaders = leaders
        self._cells = [_Cell() for _ in range(leaders.cells)]

    def put(self, story: Story, total: Vector) -> None:
        """Set a story's sum; it moves to another cell where that is nearer now."""
        number = self.leaders.nearest(total)
        if story.cell >= 0 and story.cell != number:
            self.take(story)
        story.cell = number
        self._cells[number].put(story, total)

    def take(self, story: Story) -> None:
        """Take a story out."""
        self._cells[story.cell].take(story)
        story.cell = -1

    def sum(self, story: Story) -> Vector:
        """(384,) a view of a story's sum."""
        found: Vector = self._cells[story.cell].sums[story.slot]
        return found

    def nearest(self, vector: Vector, limit: int) -> list[Story]:
        """The stories whose centroid is nearest, nearest first; ties in the order of story ids."""
        opened: list[_Cell] = []
        scores: list[Vector] = []
        rows = 0
        for number in self.leaders.order(vector):
            cell = self._cells[number]
            if len(cell):
                opened.append(cell)
                scores.append(cell.scores(vector))
                rows += len(cell)
                if rows >= MIN_ROWS:
                    break
        if not rows:
            return []
        every = np.concatenate(scores)
        limit = min(limit, rows)
        floor = np.partition(every, rows - limit)[rows - limit]
        found = [
            (float(score[slot]), cell.stories[slot])
            for cell, score in zip(opened, scores, strict=True)
            for slot in np.flatnonzero(score >= floor).tolist()
        ]
        found.sort(key=lambda each: (-each[0], each[1].id))
        return [story for _, story in found[:limit]]


class _Cell:
    """Sums side by side; a story that leaves is replaced by the last one."""

    def __init__(self) -> None:
        self.sums = np.zeros((4, DIMENSIONS), np.float32)
        self.lengths = np.ones(4, np.float32)
        self.stories: list[Story] = []

    def __len__(self) -> int:
        return len(self.stories)

    def scores(self, vector: Vector) -> Vector:
        n = len(self.stories)
        found: Vector = (self.sums[:n] @ vector) / self.lengths[:n]
        return found

    def put(self, story: Story, total: Vector) -> None:
        if story.slot < 0:
            story.slot = len(self.stories)
            self.stories.append(story)
            if story.slot == len(self.sums):
                self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
                self.lengths = np.concatenate([self.lengths, np.ones_like(self.lengths)])
        self.sums[story.slot] = total
        self.lengths[story.slot] = story.length or 1.0

    def take(self, story: Story) -> None:
        last = self.stories.pop()
        if last is not story:
            self.stories[story.slot] = last
            self.sums[story.slot] = self.sums[last.slot]
            self.lengths[story.slot] = self.lengths[last.slot]
            last.slot = story.slot
        story.slot = -1
