"""All stories in memory: their sums, the terms they share, and which of them to compare an article with."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from streams.stories.cells import Cells, Leaders
from streams.stories.centering import StreamMeans
from streams.stories.record import Record
from streams.stories.story import Story
from streams.stories.terms import ENTITY, NUMBER, kind_of
from streams.stories.vectors import DIMENSIONS, Vector

COMMON_PLACE = 0.15
"""A country that more than this share of the stories name says nothing: they happen there."""
RARE = 12
"""A number or an entity that at most so many stories have brings them up for comparison."""
MAX_BY_TERMS = 4


class StoryTable:
    """All stories in memory."""

    def __init__(self, leaders: Leaders | None = None) -> None:
        self.stories: dict[str, Story] = {}
        self._cells = Cells(leaders or Leaders())
        self._frequency: Counter[int] = Counter()
        self._holders: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return len(self.stories)

    def rarity(self, term: int) -> float:
        """What it says that two texts share this term: inverse story frequency, in nats; 0 for common ones."""
        return max(0.0, math.log((len(self.stories) + 1.0) / (self._frequency[term] + 0.5)))

    def tells(self, place: int) -> bool:
        """Whether naming this country sets a story apart from the others."""
        return self._frequency[place] <= COMMON_PLACE * len(self.stories) + 1

    def sum(self, story: Story) -> Vector:
        """(384,) the sum of the vectors of a story's members."""
        return self._cells.sum(story)

    def add(self, record: Record, vector: Vector) -> None:
        """Take an article into its story, which may be new."""
        story = self.stories.get(record.story)
        if story is None:
            story = self.stories[record.story] = Story(record.story)
            total = vector
        else:
            total = self._cells.sum(story) + vector
        for term in story.add(record):
            self._frequency[term] += 1
            if kind_of(term) in (NUMBER, ENTITY):
                self._holders.setdefault(term, set()).add(story.id)
        self._put(story, total)

    def remove(self, record: Record, vector: Vector) -> None:
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
            self._put(story, self._cells.sum(story) - vector)
        else:
            self._cells.take(story)
            del self.stories[story.id]

    def relearn(self, means: StreamMeans) -> Leaders:
        """Centre all vectors anew, and choose leaders anew."""
        stories = list(self.stories.values())
        sums = np.zeros((len(stories), DIMENSIONS), np.float32)
        for i, story in enumerate(stories):
            members = list(story.members.values())
            vectors = np.stack([r.vector for r in members])
            sums[i] = means.center_rows(vectors, [r.language for r in members]).sum(axis=0)
            story.cell = story.slot = -1
        leaders = Leaders.choose(stories, sums)
        self._cells = Cells(leaders)
        for story, total in zip(stories, sums, strict=True):
            self._put(story, total)
        return leaders

    def candidates(self, record: Record, vector: Vector, limit: int) -> list[Story]:
        """The stories nearest by their centroids, and those that share rare numbers and entities."""
        found = self._cells.nearest(vector, limit)
        shared: dict[str, float] = {}
        for term in record.terms.tolist():
            if kind_of(term) in (NUMBER, ENTITY) and self._frequency[term] <= RARE:
                for story in self._holders.get(term, ()):
                    shared[story] = shared.get(story, 0.0) + self.rarity(term)
        if shared:
            near = {story.id for story in found}
            others = sorted((-round(s, 6), name) for name, s in shared.items() if name not in near)
            found.extend(self.stories[name] for _, name in others[:MAX_BY_TERMS])
        return found

    def _put(self, story: Story, total: Vector) -> None:
        story.measure(total)
        self._cells.put(story, total)
