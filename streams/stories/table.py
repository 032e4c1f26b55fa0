"""All stories in memory: their sums, the terms they share, and which of them to compare an article with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from streams.stories.cells import Cells, Centres
from streams.stories.centering import StreamMeans
from streams.stories.remembered import Remembered
from streams.stories.sketches import SKETCH, Projection
from streams.stories.story import Story
from streams.stories.terms import ENTITY, NUMBER, kind_of
from streams.stories.vectors import Vector

COMMON_PLACE = 0.15
"""A country that more than this share of the stories name says nothing: they happen there."""
FEW_STORIES = 4
"""... unless they are so few."""
RARE = 12
"""A number or an entity that at most so many stories have brings them up for comparison."""
MAX_BY_TERMS = 4
_BATCH = 2_048


class StoryTable:
    """All stories in memory."""

    def __init__(self, centres: Centres | None = None) -> None:
        self.stories: dict[str, Story] = {}
        self._cells = Cells(centres or Centres())
        self._frequency: Counter[int] = Counter()
        self._holders: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return len(self.stories)

    def rarities(self, terms: Iterable[int]) -> dict[int, float]:
        """What it says that two texts share a term: inverse story frequency, in nats; 0 for common ones."""
        total, frequency, log = len(self.stories) + 1.0, self._frequency.get, math.log
        return {term: max(0.0, log(total / (frequency(term, 0) + 0.5))) for term in terms}

    def tells(self, place: int) -> bool:
        """Whether naming this country sets a story apart from the others."""
        return self._frequency[place] <= max(FEW_STORIES, COMMON_PLACE * len(self.stories))

    def add(self, record: Remembered, vector: Vector) -> None:
        """Take an article into its story, which may be new."""
        story = self.stories.get(record.story)
        if story is None:
            story = self.stories[record.story] = Story(record.story)
        for term in story.add(record):
            self._frequency[term] += 1
            if kind_of(term) in (NUMBER, ENTITY):
                self._holders.setdefault(term, set()).add(story.id)
        story.put(story.sum + vector)
        self._cells.put(story)

    def remove(self, record: Remembered, vector: Vector) -> None:
        """Take an article out of its story; a story without articles is gone."""
        story = self.stories[record.story]
        for term in story.remove(record):
            self._frequency[term] -= 1
            if not self._frequency[term]:
                del self._frequency[term]
            if kind_of(term) in (NUMBER, ENTITY):
                self._holders[term].discard(story.id)
                if not self._holders[term]:
                    del self._holders[term]
        if story.members:
            story.put(story.sum - vector)
            self._cells.put(story)
        else:
            self._cells.take(story)
            del self.stories[story.id]

    def relearn(self, means: StreamMeans) -> Centres:
        """Centre all vectors anew, and divide the stories into cells anew."""
        stories = list(self.stories.values())
        for start in range(0, len(stories), _BATCH):
            batch = stories[start : start + _BATCH]
            records = [record for story in batch for record in story.members.values()]
            vectors = np.stack([record.vector for record in records])
            centred = means.center_rows(vectors, [record.language for record in records])
            firsts = np.cumsum([0, *(story.size for story in batch[:-1])])
            for story, total in zip(batch, np.add.reduceat(centred, firsts, axis=0), strict=True):
                story.put(total.copy())
                story.cell = story.slot = -1
        projection = Projection.learn(stories)
        every = np.zeros((len(stories), SKETCH), np.float32)
        for start in range(0, len(stories), _BATCH):
            batch = stories[start : start + _BATCH]
            lengths = np.array([story.length for story in batch])
            every[start : start + _BATCH] = projection.rows(np.stack([story.sum for story in batch]), lengths)
        centres = Centres.choose(projection, stories, every)
        self._cells = Cells(centres)
        for story, of in zip(stories, every, strict=True):
            self._cells.put(story, of)
        return centres

    def candidates(self, record: Remembered, vector: Vector, limit: int) -> list[tuple[float, Story]]:
        """The stories nearest by their centroids, and those that share rare numbers and entities.

        Each with the product of the vector and its centroid, at length 256.
        """
        found = self._cells.nearest(vector, limit)
        shared: dict[str, float] = {}
        held = [term for term in record.terms.tolist() if term in self._holders and self._frequency[term] <= RARE]
        for term, rarity in self.rarities(held).items():
            for story in self._holders[term]:
                shared[story] = shared.get(story, 0.0) + rarity
        if shared:
            near = {story.id for _, story in found}
            names = sorted((-round(s, 6), name) for name, s in shared.items() if name not in near)
            others = [self.stories[name] for _, name in names[:MAX_BY_TERMS]]
            found.extend((float(story.sum @ vector) / (story.length or 1.0), story) for story in others)
        return found
