"""The nearest stories among very many, without comparing with each of them.

Two steps. First, in a sketch of 64 whole numbers for each story (random projection: products of sketches approach
products of vectors), and only in the cells whose centres are nearest; cells are made only where there are many
stories. Then exactly, among the best of the sketches. Which cell a story is in depends on the centres and on the
story alone, and all products are of whole numbers that single precision holds: a restored index finds what the old
one would have found.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.stories.story import Story
from streams.stories.vectors import DIMENSIONS, SCALE, Vector

SKETCH = 64
MIN_ROWS = 8_192
"""Cells are opened, nearest centre first, until so many sketches have been looked at."""
SHORTLIST = 32
"""Stories that are compared exactly, at least."""
_CELL_ROWS = 128
"""Small cells: of as many sketches looked at, more are near. At 100,000 stories 98 of 100 of the nearest are found,
with cells four times as large 90."""
_SKETCH_SCALE = 8.0
_ROUNDS = 2

# Signs suffice for a random projection (Achlioptas 2003), and keep whole numbers whole.
_SIGNS = np.where(np.random.default_rng(384).random((SKETCH, DIMENSIONS)) < 0.5, -1.0, 1.0).astype(np.float32)


def sketch_rows(sums: Vector, lengths: npt.NDArray[np.float64]) -> Vector:
    """(n, 64) whole numbers up to 127, of sums of vectors (n, 384) and their lengths (n,); 0 where there is none."""
    scale = np.where(lengths > 0, SCALE / np.maximum(lengths, 1e-9), 0.0).astype(np.float32)
    unit = np.rint(sums * scale[:, None])
    rounded: Vector = np.clip(np.rint(unit @ _SIGNS.T / np.float32(_SKETCH_SCALE)), -127, 127)
    return rounded


def sketch(vector: Vector, length: float) -> Vector:
    """(64,) of one sum."""
    return sketch_rows(vector[None, :], np.array([length]))[0]


class Centres:
    """What divides the stories into cells; none: one cell."""

    def __init__(self, sketches: Vector | None = None) -> None:
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
    def choose(cls, stories: list[Story], sketches: Vector) -> Centres:
        """From the stories' sketches: two rounds of k-means, begun with stories spread over the ids."""
        if len(stories) < 2 * MIN_ROWS:
            return cls()
        every = sketches[sorted(range(len(stories)), key=lambda i: stories[i].id)]
        centres = every[::_CELL_ROWS]
        for _ in range(_ROUNDS):
            cell = np.concatenate([(part @ centres.T).argmax(axis=1) for part in np.array_split(every, 64)])
            sums = np.zeros(centres.shape, np.float64)
            np.add.at(sums, cell, every)
            lengths = np.sqrt(np.square(sums).sum(axis=1, keepdims=True))
            # All centres as long as a sketch is, or the longer ones would draw everything to them.
            scale = SCALE * np.sqrt(SKETCH) / _SKETCH_SCALE
            centres = np.clip(np.rint(sums * (scale / np.maximum(lengths, 1.0))), -127, 127).astype(np.float32)
        return cls(centres)

    def dump(self) -> str | None:
        """JSON-able; some 86 characters a cell."""
        if self._sketches is None:
            return None
        return base64.b64encode(self._sketches.astype(np.int8).tobytes()).decode("ascii")

    @classmethod
    def load(cls, stored: Any) -> Centres:
        """The opposite of `dump`."""
        if stored is None:
            return cls()
        sketches = np.frombuffer(base64.b64decode(stored), np.int8).reshape(-1, SKETCH)
        return cls(sketches.astype(np.float32))


class Cells:
    """The sketch of each story, in the cell of its nearest centre."""

    def __init__(self, centres: Centres) -> None:
        self._centres = centres
        self._cells = [_Cell() for _ in range(centres.cells)]

    def put(self, story: Story, of: Vector) -> None:
        """Take note of a story's new sketch; it moves to another cell where that is nearer now."""
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
        of = sketch(vector, SCALE)
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
        if not rows:
            return []
        if rows <= SHORTLIST:
            found = [story for cell in opened for story in cell.stories]
        else:
            found = _best(scores, [cell.stories for cell in opened])
        # Copies all rows at once; np.stack would first make a view of each.
        products = np.concatenate([story.sum for story in found]).reshape(-1, DIMENSIONS) @ vector
        exact = [(float(p) / (story.length or 1.0), story) for p, story in zip(products, found, strict=True)]
        exact.sort(key=lambda each: (-each[0], each[1].id))
        return exact[:limit]


def _best(scores: list[Vector], stories: list[list[Story]]) -> list[Story]:
    """The SHORTLIST best by sketch, with all that tie with the last of them."""
    every = np.concatenate(scores)
    floor = np.partition(every, len(every) - SHORTLIST)[len(every) - SHORTLIST]
    rows: npt.NDArray[np.intp] = np.flatnonzero(every >= floor)
    starts = np.cumsum([0, *(len(score) for score in scores)])
    parts = np.searchsorted(starts, rows, side="right") - 1
    return [stories[part][row - starts[part]] for part, row in zip(parts.tolist(), rows.tolist(), strict=True)]


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
