"""The nearest stories among very many, without comparing with each of them.

Two steps. First, in a sketch of 64 whole numbers for each story (sketches.py), and only in the cells whose centres are
nearest; cells are made only where there are many stories. Then exactly, among the best of the sketches. Which cell a
story is in depends on the centres and on the story alone, and all products are of whole numbers that single precision
holds: a restored index finds what the old one would have found.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.stories.sketches import SKETCH, Projection
from streams.stories.story import Story
from streams.stories.vectors import DIMENSIONS, SCALE, Vector

MIN_ROWS = 2_048
"""Cells are opened, nearest centre first, until so many sketches have been looked at."""
SHORTLIST = 32
"""Stories that are compared exactly, at least."""
_CELL_ROWS = 128
"""Small cells: of as many sketches looked at, more are near."""
_ROUNDS = 8


class Centres:
    """How stories are sketched, and what divides them into cells; none: one cell."""

    def __init__(self, projection: Projection | None = None, sketches: Vector | None = None) -> None:
        self.projection = projection or Projection()
        self._sketches = sketches

    @property
    def cells(self) -> int:
        return 1 if self._sketches is None else len(self._sketches)

    def nearest(self, of: Vector) -> int:
        """The cell of a sketch; the first of equals."""
        return 0 if self._sketches is None else int((self._sketches @ of).argmax())

    def order(self, of: Vector) -> list[int]:
        """All cells, nearest first."""
        if self._sketches is None:
            return [0]
        order: list[int] = np.argsort(-(self._sketches @ of), kind="stable").tolist()
        return order

    @classmethod
    def choose(cls, projection: Projection, stories: list[Story], sketches: Vector) -> Centres:
        """From the stories' sketches: k-means, begun with stories spread over the ids."""
        if len(stories) < 2 * MIN_ROWS:
            return cls(projection)
        every = sketches[sorted(range(len(stories)), key=lambda i: stories[i].id)]
        centres = every[::_CELL_ROWS]
        length = float(np.sqrt(np.square(every, dtype=np.float64).sum(axis=1)).mean())
        for _ in range(_ROUNDS):
            cell = np.concatenate([(part @ centres.T).argmax(axis=1) for part in np.array_split(every, 64)])
            sums = np.zeros(centres.shape, np.float64)
            np.add.at(sums, cell, every)
            lengths = np.sqrt(np.square(sums).sum(axis=1, keepdims=True))
            # All centres as long as a sketch is, or the longer ones would draw everything to them.
            centres = np.clip(np.rint(sums * (length / np.maximum(lengths, 1.0))), -127, 127).astype(np.float32)
        return cls(projection, centres)

    def dump(self) -> dict[str, Any]:
        """JSON-able; 33 kB, and some 86 characters a cell."""
        cells = None
        if self._sketches is not None:
            cells = base64.b64encode(self._sketches.astype(np.int8).tobytes()).decode("ascii")
        return {"projection": self.projection.dump(), "cells": cells}

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Centres:
        """The opposite of `dump`."""
        projection, cells = Projection.load(stored["projection"]), stored["cells"]
        if cells is None:
            return cls(projection)
        sketches = np.frombuffer(base64.b64decode(cells), np.int8).reshape(-1, SKETCH)
        return cls(projection, sketches.astype(np.float32))


class Cells:
    """The sketch of each story, in the cell of its nearest centre."""

    def __init__(self, centres: Centres) -> None:
        self._centres = centres
        self._cells = [_Cell() for _ in range(centres.cells)]

    def put(self, story: Story, of: Vector | None = None) -> None:
        """Take note of a story's new sum, and sketch; it moves to another cell where that is nearer now."""
        if of is None:
            of = self._centres.projection.sketch(story.sum, story.length)
        number = self._centres.nearest(of)
        if story.cell >= 0 and story.cell != number:
            self.take(story)
        story.cell = number
        self._cells[number].put(story, of)

    def take(self, story: Story) -> None:
        """Take a story out."""
        self._cells[story.cell].take(story)
        story.cell = -1

    def nearest(self, vector: Vector, limit: int) -> list[tuple[float, Story]]:
        """The stories with the largest product of `vector` (of length 256) and centroid, and that product.

        Largest first; ties in the order of story ids.
        """
        of = self._centres.projection.sketch(vector, SCALE)
        opened: list[_Cell] = []
        scores: list[Vector] = []
        rows = 0
        for number in self._centres.order(of):
            cell = self._cells[number]
            if cell.stories:
                opened.append(cell)
                scores.append(cell.sketches[: len(cell.stories)] @ of)
                rows += len(cell.stories)
                if rows >= MIN_ROWS:
                    break
        found = [story for cell in opened for story in cell.stories] if rows <= SHORTLIST else _best(scores, opened)
        if not found:
            return []
        # Copies all rows at once; np.stack would first make a view of each.
        products = np.concatenate([story.sum for story in found]).reshape(-1, DIMENSIONS) @ vector
        exact = products / np.array([story.length or 1.0 for story in found])
        nearest = [(float(exact[row]), found[row]) for row in _largest(exact, limit)]
        nearest.sort(key=lambda each: (-each[0], each[1].id))
        return nearest[:limit]


def _best(scores: list[Vector], cells: list[_Cell]) -> list[Story]:
    """The SHORTLIST best by sketch, with all that tie with the last of them."""
    rows = np.array(_largest(np.concatenate(scores), SHORTLIST))
    starts = np.cumsum([0, *(len(score) for score in scores)])
    parts = np.searchsorted(starts, rows, side="right") - 1
    slots = rows - starts[parts]
    return [cells[part].stories[slot] for part, slot in zip(parts.tolist(), slots.tolist(), strict=True)]


def _largest(values: npt.NDArray[np.floating], count: int) -> list[int]:
    """Where the `count` largest values are, in the order they stand in, and all that tie with the last of them."""
    if len(values) <= count:
        return list(range(len(values)))
    floor = np.partition(values, len(values) - count)[len(values) - count]
    rows: list[int] = np.flatnonzero(values >= floor).tolist()
    return rows


class _Cell:
    """Sketches side by side; a story that leaves is replaced by the last one."""

    def __init__(self) -> None:
        self.sketches = np.zeros((8, SKETCH), np.float32)
        self.stories: list[Story] = []

    def put(self, story: Story, of: Vector) -> None:
        if story.slot < 0:
            story.slot = len(self.stories)
            self.stories.append(story)
            if story.slot == len(self.sketches):
                self.sketches = np.concatenate([self.sketches, np.zeros_like(self.sketches)])
        self.sketches[story.slot] = of

    def take(self, story: Story) -> None:
        last = self.stories.pop()
        if last is not story:
            self.stories[story.slot] = last
            self.sketches[story.slot] = self.sketches[last.slot]
            last.slot = story.slot
        story.slot = -1
