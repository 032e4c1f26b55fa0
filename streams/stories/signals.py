"""The signals that say whether an article belongs to a story.

similarity  mean product with the story's members (1: the same), over the story's own width
age         minus the mean distance in time to the members, in units of two days, each at most three
common      how much of both had been taken out as common to the whole stream (centering.py): where one topic floods
            the stream, what is left is less alike even for one event, and less is asked of it
places      share of the members that name a country this article names, too; where most of the stream is about one
            country, that one does not count
elsewhere   minus the share of the members that name a country, none of which this article names, though it names one
words, names, numbers, entities
            what both share, each term weighing its rarity among the stories in memory; square root, so that the
            tenth shared word says less than the first
"""

from __future__ import annotations

import math

import numpy as np

from streams.stories.centering import StreamMeans
from streams.stories.model import Weights
from streams.stories.record import Record
from streams.stories.story import Story, StoryTable
from streams.stories.terms import PLACE, kind_of
from streams.stories.vectors import SCALE, Vector

_SHARED_CAP = 12.0
_MIN_WIDTH = 0.01


def nearest(vector: Vector, table: StoryTable, limit: int) -> list[Story]:
    """The stories whose centroid is nearest, nearest first; ties in the order of story ids."""
    if not len(table):
        return []
    scores = (table.sums @ vector) / table.lengths
    limit = min(limit, len(table))
    floor = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    rows = [r for r in np.flatnonzero(scores >= floor).tolist() if r in table.by_row]
    rows.sort(key=lambda r: (-float(scores[r]), table.by_row[r].id))
    return [table.by_row[r] for r in rows[:limit]]


class Comparison:
    """One article against any story."""

    def __init__(self, record: Record, vector: Vector, table: StoryTable, means: StreamMeans, weights: Weights) -> None:
        self._record, self._vector, self._table, self._means, self._weights = record, vector, table, means, weights
        terms = record.terms.tolist()
        self._rarity = {term: table.rarity(term) for term in terms if kind_of(term) != PLACE}
        self._places = {term for term in terms if kind_of(term) == PLACE and table.tells(term)}
        self._shared = means.length(record.language)

    def signals(self, story: Story) -> tuple[float, ...]:
        """The values of model.SIGNALS."""
        shared = [0.0, 0.0, 0.0, 0.0]
        for term in self._rarity.keys() & story.terms.keys():
            shared[kind_of(term)] += self._rarity[term]
        here, elsewhere = self._places_shared(story)
        mean = float(self._vector @ self._table.sums[story.row]) / (SCALE * SCALE * story.size)
        common = sum(n * self._means.length(language) for language, n in story.languages.items()) / story.size
        return (
            mean / max(story.width, _MIN_WIDTH) ** (self._weights.cohesion / 2),
            -story.mean_gap(self._record.when),
            self._shared * common,
            here,
            -elsewhere,
            *(math.sqrt(min(x, _SHARED_CAP)) for x in shared),
        )

    def _places_shared(self, story: Story) -> tuple[float, float]:
        if not self._places:
            return 0.0, 0.0
        here = max(story.places[place] for place in self._places) / story.size
        others = [n for t, n in story.places.items() if t not in self._places and self._table.tells(t)]
        return here, max(0.0, max(others, default=0) / story.size - here)
