"""A second look at the recent stories, all at once: which of them are one, and which are two.

Deciding on arrival, the clusterer knows only what came before. Looking back, whole stories can be compared, and what
the stream has in common is known better. The result is a list of corrections that lead from the stories as they are
to the stories as they should be, with as few moves as possible.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from schemas.ids import story_id
from schemas.stories import StoryCorrection
from streams.stories.centering import StreamMeans
from streams.stories.linkage import Linkage
from streams.stories.model import Weights
from streams.stories.remembered import Remembered
from streams.stories.signals import SHARED_CAP
from streams.stories.story import AGE_CAP, AGE_UNIT_MS
from streams.stories.table import COMMON_PLACE, FEW_STORIES
from streams.stories.terms import ENTITY, KIND_SHIFT, NAME, PLACE, WEAPON, kind_of
from streams.stories.vectors import SCALE

Matrix = npt.NDArray[np.float32]

BY = "clusterer"
LEXICAL = (("names", NAME), ("entities", ENTITY))
MAX_TERMS = 512
_PASSES = 2
_BLOCK = 1024
_APART = -1e6


class Review:
    """A second look at some articles as they are now: what becomes of them while it goes on does not disturb it."""

    def __init__(self, records: Sequence[Remembered], weights: Weights, at_ms: int) -> None:
        """`at_ms`: the stream's clock."""
        self._records = [replace(record, apart=[*record.apart], moved=[*record.moved]) for record in records]
        self._weights = weights
        self._at = at_ms

    def corrections(self) -> list[StoryCorrection]:
        """What should be corrected, to be applied in order. Takes about a second for 3,000 articles."""
        if len(self._records) < 2:
            return []
        return propose(self._records, regroup(self._records, self._weights), self._at)


def regroup(records: Sequence[Remembered], weights: Weights) -> list[int]:
    """For each article (in the order of arrival) the number of the first one of its group."""
    labels: npt.NDArray[np.int64] = np.arange(len(records))
    stories = [record.story for record in records]
    for _ in range(_PASSES):
        # What is common to the stream is better known once the stories are, and they once it is.
        means = StreamMeans.estimate((r.language, s, r.vector) for r, s in zip(records, stories, strict=True))
        labels = _link(records, means, weights)
        stories = [str(label) for label in labels]
    return [int(label) for label in labels]


def _link(records: Sequence[Remembered], means: StreamMeans, weights: Weights) -> npt.NDArray[np.int64]:
    languages = [r.language for r in records]
    vectors = means.center_rows(np.stack([r.vector for r in records]), languages)
    when = np.array([r.when for r in records], np.float64)
    named = {s: i for i, s in enumerate(dict.fromkeys(r.story for r in records))}
    current = np.array([named[r.story] for r in records])
    places, weapons = place_matrix(records), weapon_matrix(records)
    lexical = [(name, shared_matrix(records, kind)) for name, kind in LEXICAL if weights.weight(name)]
    closeness = np.empty((len(records), len(records)), np.float32)
    for start in range(0, len(records), _BLOCK):
        rows = slice(start, start + _BLOCK)
        gaps = np.minimum(np.abs(when[rows, None] - when[None, :]) / AGE_UNIT_MS, AGE_CAP)
        here, elsewhere = overlap(places[rows], places)
        unlike = disjoint(weapons[rows], weapons)
        closeness[rows] = combine(vectors[rows] @ vectors.T, gaps, here, elsewhere, unlike, weights)
        for name, shared in lexical:
            closeness[rows] += weights.weight(name) * root_of_shared(shared[rows] @ shared.T)
        closeness[rows] += weights.stay * (current[rows, None] == current[None, :])
    np.fill_diagonal(closeness, 1.0)
    _keep_apart(records, closeness)
    lengths = np.array([means.length(language) for language in languages])
    detail = np.array([r.detail for r in records])
    linkage = Linkage(closeness, lengths, detail, weights)
    for together in _kept_together(records):
        linkage.join(together)
    return linkage.run(weights.repair)


def combine(
    products: npt.NDArray[np.floating],
    gaps: npt.NDArray[np.floating],
    here: npt.NDArray[np.bool_],
    elsewhere: npt.NDArray[np.floating],
    other_weapons: npt.NDArray[np.bool_],
    weights: Weights,
) -> npt.NDArray[np.floating]:
    """Closeness of pairs of articles, from what signals.py calls similarity, age, places, elsewhere and weapons."""
    found = products * (weights.weight("similarity") / (SCALE * SCALE))
    found -= weights.weight("age") * gaps
    found += weights.weight("places") * here
    found -= weights.weight("elsewhere") * elsewhere
    found -= weights.weight("weapons") * other_weapons
    return found


def overlap(rows: Matrix, of: Matrix) -> tuple[npt.NDArray[np.bool_], Matrix]:
    """Of sets as rows of 0 and 1: which share anything, and how far they differ (0 where one of them is empty)."""
    both = rows @ of.T
    sizes, other_sizes = rows.sum(axis=1)[:, None], of.sum(axis=1)[None, :]
    distance = 1.0 - both / np.maximum(sizes + other_sizes - both, 1.0)
    return both > 0, np.where((sizes > 0) & (other_sizes > 0), distance, 0.0).astype(np.float32)


def disjoint(rows: Matrix, of: Matrix) -> npt.NDArray[np.bool_]:
    """Of sets as rows of 0 and 1: which share nothing, though neither is empty."""
    shared, distance = overlap(rows, of)
    return ~shared & (distance > 0)


def weapon_matrix(records: Sequence[Remembered]) -> Matrix:
    """(n, weapon systems): 1 where an article names the system."""
    return _named_matrix(records, WEAPON, len(records))


def place_matrix(records: Sequence[Remembered]) -> Matrix:
    """(n, countries): 1 where an article names the country, but for those that most of the stream is about."""
    return _named_matrix(records, PLACE, max(FEW_STORIES, COMMON_PLACE * len({r.story for r in records})))


def _named_matrix(records: Sequence[Remembered], kind: int, limit: float) -> Matrix:
    rows = [[t for t in r.terms.tolist() if kind_of(t) == kind] for r in records]
    stories: dict[int, set[str]] = {}
    for record, terms in zip(records, rows, strict=True):
        for term in terms:
            stories.setdefault(term, set()).add(record.story)
    column = {t: i for i, t in enumerate(sorted(t for t, held in stories.items() if len(held) <= limit))}
    matrix = np.zeros((len(records), max(1, len(column))), np.float32)
    for i, terms in enumerate(rows):
        for term in terms:
            if term in column:
                matrix[i, column[term]] = 1.0
    return matrix


def shared_matrix(records: Sequence[Remembered], kind: int) -> npt.NDArray[np.float32]:
    """(n, terms): products of two rows add up what the terms say that both articles have (as signals.py does it).

    Of the terms that are in few of the stories, the MAX_TERMS that most articles have: a bound on time and memory.
    """
    holders: dict[int, list[int]] = {}
    for i, record in enumerate(records):
        for term in record.terms[record.terms >> KIND_SHIFT == kind].tolist():
            holders.setdefault(term, []).append(i)
    total = len({record.story for record in records})
    rare = []
    for term, rows in holders.items():
        held_by = len({records[i].story for i in rows})
        if len(rows) > 1 and held_by <= COMMON_PLACE * total:
            rare.append((-len(rows), term, math.log((total + 1.0) / (held_by + 0.5))))
    rare.sort()
    matrix = np.zeros((len(records), max(1, min(len(rare), MAX_TERMS))), np.float32)
    for column, (_, term, rarity) in enumerate(rare[:MAX_TERMS]):
        matrix[holders[term], column] = math.sqrt(max(rarity, 0.0))
    return matrix


def root_of_shared(shared: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What is shared counts by its square root, up to a limit."""
    found: npt.NDArray[np.float32] = np.sqrt(np.clip(shared, 0.0, SHARED_CAP))
    return found


def _kept_together(records: Sequence[Remembered]) -> list[list[int]]:
    """Articles that an operator put into one story, and copies with their originals."""
    groups: dict[str, list[int]] = {}
    place = {r.id: i for i, r in enumerate(records)}
    for i, record in enumerate(records):
        if record.fixed:
            groups.setdefault(record.story, []).append(i)
    copies = [
        [place[r.duplicate_of], i]
        for i, r in enumerate(records)
        if r.duplicate_of in place and not r.fixed and not records[place[r.duplicate_of]].fixed
    ]
    linked: dict[int, list[int]] = {}
    for original, copy in copies:
        linked.setdefault(original, [original]).append(copy)
    return [*groups.values(), *linked.values()]


def _keep_apart(records: Sequence[Remembered], closeness: npt.NDArray[np.float32]) -> None:
    """What an operator put into different stories never comes together again by itself."""
    members: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        members.setdefault(record.story, []).append(i)
    fixed = [i for i, record in enumerate(records) if record.fixed]
    for i in fixed:
        others = [j for j in fixed if records[j].story != records[i].story]
        for story in records[i].apart:
            others.extend(j for j in members.get(story, []) if story != records[i].story)
        closeness[i, others] = _APART
        closeness[others, i] = _APART


def propose(records: Sequence[Remembered], labels: Sequence[int], at_ms: int) -> list[StoryCorrection]:
    """Corrections that lead from the stories of `records` to the groups of `labels`, to be applied in order.

    The groups keep the ids of the stories they mostly consist of.
    """
    groups: dict[int, list[Remembered]] = {}
    stories: dict[str, list[Remembered]] = {}
    for record, label in zip(records, labels, strict=True):
        groups.setdefault(label, []).append(record)
        stories.setdefault(record.story, []).append(record)
    names = _name(groups, stories)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    group_of = {r.id: label for r, label in zip(records, labels, strict=True)}
    splits, merges = [], []
    for story, members in stories.items():
        pieces: dict[int, list[Remembered]] = {}
        for record in members:
            pieces.setdefault(group_of[record.id], []).append(record)
        for label, piece in pieces.items():
            target = names[label]
            if target == story:
                continue
            if len(piece) == len(members):
                merges.append(_correction("merge", target, story, [], at, "their articles tell of one event"))
            else:
                ids = [r.id for r in piece]
                splits.append(_correction("split", story, target, ids, at, "these articles tell of another event"))
    return splits + merges


def _name(groups: dict[int, list[Remembered]], stories: dict[str, list[Remembered]]) -> dict[int, str]:
    """A story id for each group: the largest overlaps first, each id once; new ones from the first article."""
    overlaps = Counter((label, r.story) for label, group in groups.items() for r in group)
    first = {s: members[0].sequence for s, members in stories.items()}
    names: dict[int, str] = {}
    taken: set[str] = set()
    for (label, story), _ in sorted(overlaps.items(), key=lambda o: (-o[1], first[o[0][1]], o[0][0])):
        if label not in names and story not in taken:
            names[label] = story
            taken.add(story)
    for label, group in groups.items():
        if label not in names:
            names[label] = _new_id(group, taken | stories.keys())
            taken.add(names[label])
    return names


def _new_id(group: list[Remembered], taken: set[str]) -> str:
    """Of a story split off: after its first article that no other story is named after."""
    for record in group:
        if (name := story_id(record.id)) not in taken:
            return name
    # All its articles began stories of their own, which go on without them.
    number = 2
    while (name := story_id(f"{group[0].id}/{number}")) in taken:
        number += 1
    return name


def _correction(kind: str, story: str, other: str, articles: list[str], at: datetime, reason: str) -> StoryCorrection:
    what = "\x1f".join([kind, story, other, at.isoformat(), *articles])
    return StoryCorrection(
        id="c" + hashlib.blake2b(what.encode(), digest_size=12).hexdigest(),
        kind="merge" if kind == "merge" else "split",
        story_id=story,
        other_story_id=other,
        article_ids=articles,
        by=BY,
        reason=reason,
        at=at,
    )
