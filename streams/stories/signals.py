"""The signals that say whether an article belongs to a story. All are numbers without units, larger for closer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from streams.stories.record import Record
from streams.stories.story import Story, StoryTable
from streams.stories.terms import ENTITY, NAME, NUMBER, WORD
from streams.stories.vectors import SCALE, Vector

SIGNALS = ("similarity", "age", "words", "names", "numbers", "entities", "language")
COHESION = 0.8
"""0: similarity is the mean over the members; 1: similarity to their centroid. A story with many members is wider
than one with a single member, and a newcomer is held to its width, not to that of a single article."""
AGE_CAP_MS = 9 * 24 * 3_600_000
_AGE_UNIT_MS = 3 * 24 * 3_600_000
_SHARED_CAP = 12.0


def similarity(vector: Vector, story: Story, table: StoryTable) -> float:
    """Mean product with the members (1 for the same text), over the story's own width."""
    mean = float(vector @ table.sums[story.row]) / (SCALE * SCALE * story.size)
    return mean / max(story.cohesion, 1e-3) ** (COHESION / 2)


def candidates(vector: Vector, table: StoryTable, limit: int) -> list[Story]:
    """The stories whose centroid is nearest, nearest first; ties in the order of story ids."""
    if not len(table):
        return []
    scores = (table.sums @ vector) / table.lengths
    limit = min(limit, len(table))
    floor = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    rows = [int(r) for r in np.flatnonzero(scores >= floor) if int(r) in table.by_row]
    rows.sort(key=lambda r: (-float(scores[r]), table.by_row[r].id))
    return [table.by_row[r] for r in rows[:limit]]


def rarities(record: Record, table: StoryTable) -> dict[int, float]:
    """How much each of the article's terms would say if it were shared."""
    return {term: table.rarity(term) for term in record.terms.tolist()}


def compare(record: Record, vector: Vector, weight: dict[int, float], story: Story, table: StoryTable) -> list[float]:
    """The values of SIGNALS for an article and a story."""
    shared = [0.0, 0.0, 0.0, 0.0]
    for term in weight.keys() & story.terms.keys():
        shared[term >> 30] += weight[term]
    for kind in (WORD, NAME, NUMBER, ENTITY):
        shared[kind] = math.sqrt(min(shared[kind], _SHARED_CAP))
    return [
        similarity(vector, story, table),
        -story.mean_gap(record.when, AGE_CAP_MS) / _AGE_UNIT_MS,
        shared[WORD],
        shared[NAME],
        shared[NUMBER],
        shared[ENTITY],
        1.0 if story.languages[record.language] else 0.0,
    ]


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, z))))


def weigh(values: Sequence[float], weights: Sequence[float], bias: float) -> float:
    """Log-odds that the article belongs to the story."""
    return bias + sum(v * w for v, w in zip(values, weights, strict=True))
