"""The signals that say whether an article belongs to a story.

similarity  mean product with the story's members, over the story's own width and the usual one (width.py): 1 where
            the article is as like them as they are each other
age         minus the mean distance in time to the members, in units of two days, each at most three
common      how much of both had been taken out as common to the whole stream (centering.py): where one topic floods
            the stream, what is left is less alike even for one event, and less is asked of it
places      share of the members that name a country this article names, too; where most of the stream is about one
            country, that one does not count
elsewhere   minus how far the countries that the members name and those that this article names are not the same
            (Jaccard distance), where both name any
weapons     minus the share of the members that name a weapon system, none of which this article names, though it names
            one: two sales to one country are two stories
words, names, numbers, entities
            what both share, each term weighing its rarity among the stories in memory; square root, so that the
            tenth shared word says less than the first
"""

from __future__ import annotations

import math
from bisect import bisect_left

from streams.stories.centering import StreamMeans
from streams.stories.model import Weights
from streams.stories.remembered import Remembered
from streams.stories.story import Story
from streams.stories.table import StoryTable
from streams.stories.terms import KIND_SHIFT, NAME, PLACE, WEAPON, kind_of
from streams.stories.vectors import SCALE

SHARED_CAP = 12.0
LEXICAL = ("words", "names", "numbers", "entities")
"""In the order of their kinds of terms."""


def root(shared: float) -> float:
    """What is shared counts by its square root, up to a limit."""
    return math.sqrt(min(shared, SHARED_CAP))


class Comparison:
    """One article against any story."""

    def __init__(
        self, record: Remembered, table: StoryTable, means: StreamMeans, weights: Weights, *, whole: bool = True
    ) -> None:
        """Unless `whole`, what words share is left at 0 where its weight is."""
        self._record = record
        self._half_cohesion, self._width = weights.cohesion / 2, weights.width
        self._similarity_weight, self._common_weight = weights.weight("similarity"), weights.weight("common")
        # Ascending, so words, whose kind is the lowest, are first, and places and weapons last.
        terms = record.terms.tolist()
        first_name, first_place, first_weapon = (bisect_left(terms, k << KIND_SHIFT) for k in (NAME, PLACE, WEAPON))
        self._weapons = terms[first_weapon:]
        self._places = {term for term in terms[first_place:first_weapon] if table.tells(term)}
        self._rarity = table.rarities(terms[0 if whole or weights.weight("words") else first_name : first_place])
        self._tells, self._means, self._taken = table.tells, means, means.length(record.language)
        every = [0.0] * len(LEXICAL)
        for term, rarity in self._rarity.items():
            every[kind_of(term)] += rarity
        most = (max(0.0, weights.weight(n)) * root(total) for n, total in zip(LEXICAL, every, strict=True))
        self._rest = sum(most) + (max(0.0, weights.weight("places")) if self._places else 0.0)

    def bound(self, product: float, story: Story) -> float:
        """What the closeness to a story is at most, without looking at terms and times."""
        known = self._similarity(product, story) * self._similarity_weight
        return known + self._common(story) * self._common_weight + self._rest

    def signals(self, product: float, story: Story) -> tuple[float, ...]:
        """The values of model.SIGNALS; `product` is that of the article's vector and the story's centroid."""
        shared = [0.0] * len(LEXICAL)
        for term in sorted(story.shared(self._rarity.keys())):
            shared[kind_of(term)] += self._rarity[term]
        here, elsewhere = self._compare_places(story)
        return (
            self._similarity(product, story),
            -story.mean_gap(self._record.when),
            self._common(story),
            here,
            -elsewhere,
            -self._other_weapons(story),
            *map(root, shared),
        )

    def _similarity(self, product: float, story: Story) -> float:
        if story.scale is None:
            wide: float = (self._width * story.width(self._width)) ** self._half_cohesion
            story.scale = story.length / (SCALE * SCALE * story.size * wide)
        return product * story.scale

    def _common(self, story: Story) -> float:
        if story.taken is None:
            taken = 0.0
            for language, members in sorted(story.languages.items()):
                taken += members * self._means.length(language)
            story.taken = taken / story.size
        return self._taken * story.taken

    def _compare_places(self, story: Story) -> tuple[float, float]:
        if not self._places or not story.places:
            return 0.0, 0.0
        named = {t: n for t, n in story.places.items() if self._tells(t)}
        if not named:
            return 0.0, 0.0
        most = max(named.values())
        both = sum(named.get(place, 0) for place in self._places)
        other = sum(n for place, n in named.items() if place not in self._places)
        here = max(named.get(place, 0) for place in self._places) / story.size
        return here, (1.0 - both / (len(self._places) * most + other)) * most / story.size

    def _other_weapons(self, story: Story) -> float:
        if not self._weapons or not story.weapons:
            return 0.0
        here = max(story.weapons.get(weapon, 0) for weapon in self._weapons)
        return max(0, max(story.weapons.values()) - here) / story.size
