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

from streams.stories.centering import StreamMeans
from streams.stories.model import Weights
from streams.stories.record import Record
from streams.stories.story import Story
from streams.stories.table import StoryTable
from streams.stories.terms import PLACE, kind_of
from streams.stories.vectors import SCALE, Vector

_SHARED_CAP = 12.0
_MIN_WIDTH = 0.01


class Comparison:
    """One article against any story."""

    def __init__(self, record: Record, vector: Vector, table: StoryTable, means: StreamMeans, weights: Weights) -> None:
        self._record, self._vector, self._table, self._means = record, vector, table, means
        self._cohesion = weights.cohesion / 2
        terms = record.terms.tolist()
        self._rarity = {term: table.rarity(term) for term in terms if kind_of(term) != PLACE}
        self._places = {term for term in terms if kind_of(term) == PLACE and table.tells(term)}
        self._taken = means.length(record.language)

    def signals(self, story: Story) -> tuple[float, ...]:
        """The values of model.SIGNALS."""
        shared = [0.0, 0.0, 0.0, 0.0]
        for term in self._rarity.keys() & story.terms:
            shared[kind_of(term)] += self._rarity[term]
        mean = float(self._vector @ self._table.sum(story)) / (SCALE * SCALE * story.size)
        taken = 0.0
        for language, members in story.languages.items():
            taken += members * self._means.length(language)
        here, elsewhere = self._compare_places(story)
        return (
            mean / max(story.width, _MIN_WIDTH) ** self._cohesion,
            -story.mean_gap(self._record.when),
            self._taken * taken / story.size,
            here,
            -elsewhere,
            *(math.sqrt(min(x, _SHARED_CAP)) for x in shared),
        )

    def _compare_places(self, story: Story) -> tuple[float, float]:
        if not self._places or not story.places:
            return 0.0, 0.0
        here = max(story.places.get(place, 0) for place in self._places) / story.size
        others = [n for t, n in story.places.items() if t not in self._places and self._table.tells(t)]
        return here, max(0.0, max(others, default=0) / story.size - here)
