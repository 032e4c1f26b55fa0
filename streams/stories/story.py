"""The stories in memory: sums of their members' vectors in one matrix, their times, languages and terms."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from streams.stories.record import Record
from streams.stories.terms import PLACE, WORD, kind_of
from streams.stories.vectors import DIMENSIONS, SCALE, Vector

AGE_UNIT_MS = 48 * 3_600_000
AGE_CAP = 3.0
COMMON_PLACE = 0.15
"""A country that more than this share of the stories name says nothing: they happen there."""
_FIRST_ROWS = 256


def gap(one: int, other: int) -> float:
    """Distance in time of two articles (milliseconds since 1970), in units of two days, at most three."""
    return min(abs(one - other) / AGE_UNIT_MS, AGE_CAP)


@dataclass
class Story:
    """What is known of a story in memory."""

    id: str
    row: int
    members: dict[str, Record] = field(default_factory=dict)
    """In the order of arrival."""
    languages: Counter[str] = field(default_factory=Counter)
    terms: Counter[int] = field(default_factory=Counter)
    """Members that have each term; without places."""
    places: Counter[int] = field(default_factory=Counter)
    width: float = 1.0
    """Mean of all products between members, each with itself included: 1 for a single article."""

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def seen(self) -> int:
        """The stream's clock at the newest member's arrival."""
        return max(record.clock for record in self.members.values())

    def mean_gap(self, when: int) -> float:
        """Mean distance in time to the members."""
        return sum(gap(record.when, when) for record in self.members.values()) / len(self.members)


class StoryTable:
    """All stories in memory."""

    def __init__(self) -> None:
        self.stories: dict[str, Story] = {}
        self.by_row: dict[int, Story] = {}
        self.sums = np.zeros((_FIRST_ROWS, DIMENSIONS), np.float32)
        """Row: the sum of a story's centred vectors; zeros where the row is free."""
        self.lengths = np.ones(_FIRST_ROWS, np.float32)
        """Of each row's sum; 1 where the row is free."""
        self._free = list(range(_FIRST_ROWS - 1, -1, -1))
        self._holders: dict[int, set[int]] = {}
        self._words: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self.stories)

    def frequency(self, term: int) -> int:
        """In how many stories a term is."""
        if kind_of(term) == WORD:
            return self._words[term]
        return len(self._holders.get(term, ()))

    def holders(self, term: int) -> set[int]:
        """Rows of the stories that have a name, number or entity."""
        return self._holders.get(term, set())

    def rarity(self, term: int) -> float:
        """What it says that two texts share this term: inverse story frequency, in nats; 0 for common ones."""
        return max(0.0, math.log((len(self.stories) + 1.0) / (self.frequency(term) + 0.5)))

    def tells(self, place: int) -> bool:
        """Whether naming this country sets a story apart from the others."""
        return self.frequency(place) <= COMMON_PLACE * len(self.stories) + 1

    def add(self, record: Record, vector: Vector) -> Story:
        """Take an article into its story; a story that is new gets a row."""
        story = self.stories.get(record.story)
        if story is None:
            if not self._free:
                self._grow()
            row = self._free.pop()
            story = self.stories[record.story] = self.by_row[row] = Story(record.story, row)
        late = bool(story.members) and next(reversed(story.members.values())).sequence > record.sequence
        story.members[record.id] = record
        if late:  # a correction brings older articles
            story.members = dict(sorted(story.members.items(), key=lambda item: item[1].sequence))
        story.languages[record.language] += 1
        for term in record.terms.tolist():
            kind = kind_of(term)
            held = story.places if kind == PLACE else story.terms
            held[term] += 1
            if held[term] == 1:
                if kind == WORD:
                    self._words[term] += 1
                else:
                    self._holders.setdefault(term, set()).add(story.row)
        self.sums[story.row] += vector
        self._measure(story)
        return story

    def remove(self, record: Record, vector: Vector) -> None:
        """Take an article out of its story; a story without articles is gone."""
        story = self.stories[record.story]
        del story.members[record.id]
        story.languages[record.language] -= 1
        if not story.languages[record.language]:
            del story.languages[record.language]
        for term in record.terms.tolist():
            held = story.places if kind_of(term) == PLACE else story.terms
            held[term] -= 1
            if not held[term]:
                del held[term]
                self._drop(term, story.row)
        self.sums[story.row] -= vector
        if story.members:
            self._measure(story)
            return
        del self.stories[story.id], self.by_row[story.row]
        self.sums[story.row] = 0.0
        self.lengths[story.row] = 1.0
        self._free.append(story.row)

    def replace(self, story: Story, total: Vector) -> None:
        """Put a new sum in place of a story's old one."""
        self.sums[story.row] = total
        self._measure(story)

    def _drop(self, term: int, row: int) -> None:
        if kind_of(term) == WORD:
            self._words[term] -= 1
            if not self._words[term]:
                del self._words[term]
        else:
            rows = self._holders[term]
            rows.discard(row)
            if not rows:
                del self._holders[term]

    def _measure(self, story: Story) -> None:
        total = self.sums[story.row].astype(np.float64)
        squared = float(total @ total)
        self.lengths[story.row] = math.sqrt(squared) or 1.0
        story.width = squared / (SCALE * story.size) ** 2

    def _grow(self) -> None:
        old = len(self.sums)
        self.sums = np.vstack([self.sums, np.zeros_like(self.sums)])
        self.lengths = np.concatenate([self.lengths, np.ones(old, np.float32)])
        self._free = list(range(2 * old - 1, old - 1, -1))
