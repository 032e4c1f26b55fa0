"""The stories in memory: sums of their members' vectors in one matrix, their times, languages and terms."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from streams.stories.record import Record
from streams.stories.terms import WORD
from streams.stories.vectors import DIMENSIONS, SCALE, Vector


@dataclass
class Story:
    """What is known of a story in memory."""

    id: str
    row: int
    members: dict[str, int] = field(default_factory=dict)
    """Article id to milliseconds since 1970, in the order of arrival."""
    languages: Counter[str] = field(default_factory=Counter)
    terms: Counter[int] = field(default_factory=Counter)
    cohesion: float = 1.0
    """Mean of all products between members, each with itself included: 1 for a single article."""

    @property
    def size(self) -> int:
        return len(self.members)

    def mean_gap(self, when: int, cap: int) -> float:
        """Mean distance in time to the members, each at most `cap`. All in milliseconds."""
        return sum(min(abs(t - when), cap) for t in self.members.values()) / len(self.members)


class StoryTable:
    """All stories in memory."""

    def __init__(self) -> None:
        self.stories: dict[str, Story] = {}
        self.sums = np.zeros((256, DIMENSIONS), np.float32)
        """Row: the sum of a story's centred vectors; zeros where the row is free."""
        self.lengths = np.ones(256, np.float32)
        """Of each row's sum; 1 where the row is free."""
        self.by_row: dict[int, Story] = {}
        self._free: list[int] = list(range(255, -1, -1))
        self.holders: dict[int, set[int]] = {}
        """Names, numbers, entities: the rows of the stories that have them."""
        self._words: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self.stories)

    def frequency(self, term: int) -> int:
        """In how many stories a term is."""
        if term >> 30 == WORD:
            return self._words[term]
        return len(self.holders.get(term, ()))

    def rarity(self, term: int) -> float:
        """How much it says that two texts share this term: inverse story frequency, in nats; 0 for common ones."""
        return max(0.0, math.log((len(self.stories) + 1.0) / (self.frequency(term) + 0.5)))

    def add(self, record: Record, vector: Vector) -> None:
        """Take an article into its story; a story that is new gets a row."""
        story = self.stories.get(record.story)
        if story is None:
            if not self._free:
                self._grow()
            row = self._free.pop()
            story = self.stories[record.story] = self.by_row[row] = Story(record.story, row)
        story.members[record.id] = record.when
        story.languages[record.language] += 1
        for term in record.terms.tolist():
            story.terms[term] += 1
            if story.terms[term] == 1:
                if term >> 30 == WORD:
                    self._words[term] += 1
                else:
                    self.holders.setdefault(term, set()).add(story.row)
        self.sums[story.row] += vector
        self._measure(story)

    def remove(self, record: Record, vector: Vector) -> None:
        """Take an article out of its story; a story without articles is gone."""
        story = self.stories[record.story]
        del story.members[record.id]
        story.languages[record.language] -= 1
        for term in record.terms.tolist():
            story.terms[term] -= 1
            if not story.terms[term]:
                del story.terms[term]
                if term >> 30 == WORD:
                    self._words[term] -= 1
                    if not self._words[term]:
                        del self._words[term]
                else:
                    rows = self.holders[term]
                    rows.discard(story.row)
                    if not rows:
                        del self.holders[term]
        self.sums[story.row] -= vector
        if story.members:
            self._measure(story)
            return
        del self.stories[story.id], self.by_row[story.row]
        self.sums[story.row] = 0.0
        self.lengths[story.row] = 1.0
        self._free.append(story.row)

    def recenter(self, sums: dict[str, Vector]) -> None:
        """Put new sums (by story id) in place of all old ones."""
        for story_id, total in sums.items():
            story = self.stories[story_id]
            self.sums[story.row] = total
            self._measure(story)

    def _measure(self, story: Story) -> None:
        total = self.sums[story.row].astype(np.float64)
        squared = float(np.square(total).sum())
        self.lengths[story.row] = math.sqrt(squared) or 1.0
        story.cohesion = squared / (SCALE * story.size) ** 2

    def _grow(self) -> None:
        old = len(self.sums)
        self.sums = np.vstack([self.sums, np.zeros_like(self.sums)])
        self.lengths = np.concatenate([self.lengths, np.ones(old, np.float32)])
        self._free = list(range(2 * old - 1, old - 1, -1))
