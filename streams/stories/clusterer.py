"""Which story an article belongs to, decided on arrival."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schemas.articles import AnalyzedArticle, Decision
from schemas.ids import content_revision, story_id
from streams.stories.centering import StreamMeans
from streams.stories.config import ClusterConfig
from streams.stories.model import Weights
from streams.stories.record import Record
from streams.stories.signals import candidates, compare, rarities, sigmoid, weigh
from streams.stories.story import StoryTable
from streams.stories.terms import read_terms
from streams.stories.vectors import DIMENSIONS, Vector, quantise

_HOUR_MS = 3_600_000
_MAX_CLOCK_STEP_MS = 24 * _HOUR_MS
"""One article dated in the future must not make the stream forget everything: the clock follows at most a day."""
_SNAPSHOT_MIN = 50
_SNAPSHOT_SHARE = 0.15


@dataclass(frozen=True)
class Assignment:
    """The decision on one article, and what must be stored and deleted because of it."""

    article_id: str
    story_id: str
    duplicate_of: str | None
    decision: Decision
    version: int
    record: dict[str, Any]
    """To be stored under the article's id. JSON-able."""
    forgotten: list[str] = field(default_factory=list)
    """Articles whose records may be deleted from the store."""


class Clusterer:
    """Assigns articles to stories, one at a time.

    All state is in the records: `restore` with those stored gives a clusterer that decides as this one would.

    What is forgotten: stories silent for `window_hours` by the stream's own clock, with their records; the oldest
    members of a story beyond `story_members`; and the stories silent longest beyond `max_articles`.
    """

    def __init__(self, config: ClusterConfig | None = None, weights: Weights | None = None) -> None:
        self.config = config or ClusterConfig()
        self.weights = weights or Weights.load()
        self._clear()

    def _clear(self) -> None:
        self._records: dict[str, Record] = {}
        self._table = StoryTable()
        self._means = StreamMeans()
        self._last_seen: dict[str, int] = {}  # story id -> clock at its newest arrival, silent longest first
        self._prints: dict[str, list[str]] = {}
        self._sequence = 0
        self._clock = 0
        self._snapshot_at = 0
        self._snapshot_holder: str | None = None

    def __len__(self) -> int:
        """Articles in memory."""
        return len(self._records)

    @property
    def stories(self) -> int:
        """Stories in memory."""
        return len(self._table)

    def assign(self, article: AnalyzedArticle) -> Assignment:
        """Decide on an article. The same article again gives the same answer; a changed text stays in its story.

        Raises:
            ValueError: the embedding has not 384 numbers. Nothing has changed then.
        """
        revision = content_revision(article.title, article.text)
        known = self._records.get(article.id)
        if known is not None and known.revision == revision:
            return self._answer(known)
        record = Record(
            id=article.id,
            sequence=self._sequence + 1,
            story="",
            revision=revision,
            language=article.language,
            when=_milliseconds(article.when.timestamp()),
            clock=0,
            version=_milliseconds(article.collected.timestamp()),
            vector=quantise(article.embedding),
            terms=read_terms(article),
            fingerprint=fingerprint(article),
        )
        record.clock = self._tick(record.when)
        self._sequence += 1
        if known is not None:
            self._revise(record, known)
        else:
            self._decide(record)
        self._insert(record)
        self._learn(record)
        record.forgot = self._forget()
        return self._answer(record)

    def restore(self, records: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Replace all state by that of stored records, given in any order.

        Raises:
            ValueError: a record is damaged or of another format.
        """
        self._clear()
        loaded = sorted((Record.load(i, stored) for i, stored in records), key=lambda r: r.sequence)
        for record in loaded:
            if record.snapshot is not None and record.snapshot["at"] > self._snapshot_at:
                self._means = StreamMeans.load(record.snapshot["means"])
                self._snapshot_at, self._snapshot_holder = record.snapshot["at"], record.id
        for record in loaded:
            self._sequence = record.sequence
            self._clock = record.clock
            self._insert(record)

    # -- deciding

    def _decide(self, record: Record) -> None:
        vector = self._center(record)
        weight = rarities(record, self._table)
        best, best_z = None, 0.0
        compared = candidates(vector, self._table, self.config.candidates)
        for story in compared:
            values = compare(record, vector, weight, story, self._table)
            z = weigh(values, self.weights.signals, self.weights.bias)
            if best is None or z > best_z:
                best, best_z = story, z
        record.candidates = len(compared)
        original = self._original(record)
        if original is not None:
            record.story, record.duplicate_of = original.story, original.id
            record.new_story, record.score = False, 1.0
        elif best is not None and best_z > 0:
            record.story, record.new_story, record.score = best.id, False, round(sigmoid(best_z), 4)
        else:
            record.story, record.new_story, record.score = story_id(record.id), True, None

    def _original(self, record: Record) -> Record | None:
        """The first article in memory with the same text in the same language."""
        same = self._prints.get(record.fingerprint)
        return self._records[same[0]] if same else None

    def _revise(self, record: Record, known: Record) -> None:
        """A new revision stays where the article is."""
        record.story, record.new_story = known.story, known.new_story
        record.score, record.candidates = known.score, known.candidates
        record.duplicate_of = known.duplicate_of if known.fingerprint == record.fingerprint else None
        record.fixed, record.apart = known.fixed, known.apart
        record.version = max(record.version, known.version + 1)
        if self._snapshot_holder == known.id:
            record.snapshot = known.snapshot
        self._take_out(known)

    # -- memory

    def _center(self, record: Record) -> Vector:
        return self._means.center(record.vector, record.language)

    def _tick(self, when: int) -> int:
        if self._clock == 0:
            self._clock = when
        else:
            self._clock = max(self._clock, min(when, self._clock + _MAX_CLOCK_STEP_MS))
        return self._clock

    def _insert(self, record: Record) -> None:
        self._records[record.id] = record
        self._table.add(record, self._center(record))
        self._last_seen.pop(record.story, None)
        self._last_seen[record.story] = record.clock
        if record.fingerprint:
            self._prints.setdefault(record.fingerprint, []).append(record.id)

    def _take_out(self, record: Record) -> None:
        del self._records[record.id]
        self._table.remove(record, self._center(record))
        if record.story not in self._table.stories:
            del self._last_seen[record.story]
        if record.fingerprint:
            same = self._prints[record.fingerprint]
            same.remove(record.id)
            if not same:
                del self._prints[record.fingerprint]

    def _learn(self, record: Record) -> None:
        """Every so often, estimate anew what all of the stream has in common; keep it in this article's record."""
        due = max(_SNAPSHOT_MIN, int(_SNAPSHOT_SHARE * len(self._records)))
        if record.sequence - self._snapshot_at < due:
            return
        self._means = StreamMeans.estimate(self._records.values())
        record.snapshot = {"at": record.sequence, "means": self._means.dump()}
        self._snapshot_at, self._snapshot_holder = record.sequence, record.id
        sums: dict[str, Vector] = {s: np.zeros(DIMENSIONS, np.float32) for s in self._table.stories}
        for each in self._records.values():
            sums[each.story] += self._center(each)
        self._table.recenter(sums)

    def _forget(self) -> list[str]:
        """What leaves memory now. The record that holds the last snapshot waits for the next one."""
        gone: list[str] = []
        newest = next(reversed(self._last_seen))
        members = self._table.stories[newest].members
        if len(members) > self.config.story_members:
            oldest = next(i for i in members if i != self._snapshot_holder)
            self._take_out(self._records[oldest])
            gone.append(oldest)
        limit = self._clock - int(self.config.window_hours * _HOUR_MS)
        while len(self._last_seen) > 1:
            silent, seen = next(iter(self._last_seen.items()))
            if seen >= limit and len(self._records) <= self.config.max_articles:
                break
            if self._snapshot_holder in self._table.stories[silent].members:
                break
            for article in list(self._table.stories[silent].members):
                self._take_out(self._records[article])
                gone.append(article)
        return gone

    def _answer(self, record: Record) -> Assignment:
        return Assignment(
            article_id=record.id,
            story_id=record.story,
            duplicate_of=record.duplicate_of,
            decision=Decision(new_story=record.new_story, score=record.score, candidates=record.candidates),
            version=record.version,
            record=record.dump(),
            # On a replay, an article that has come back since must not be deleted.
            forgotten=[i for i in record.forgot if i not in self._records],
        )


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def fingerprint(article: AnalyzedArticle) -> str:
    """The same for texts that differ in case, punctuation and spacing alone, in one language. Empty: no words."""
    text = unicodedata.normalize("NFKC", article.full_text).casefold()
    words = "".join(c if c.isalnum() else " " for c in text).split()
    if not words:
        return ""
    joined = "\x1f".join([article.language, *words]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=9).hexdigest()
