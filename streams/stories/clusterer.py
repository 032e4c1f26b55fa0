"""Which story an article belongs to: decided on arrival, looked at again later, corrected by operators."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from schemas.articles import AnalyzedArticle, ClusteredArticle, Decision
from schemas.ids import content_revision, story_id
from schemas.stories import StoryCorrection
from streams.stories import repair, retention
from streams.stories.assignment import Assignment
from streams.stories.cells import Centres
from streams.stories.centering import StreamMeans
from streams.stories.config import ClusterConfig
from streams.stories.departed import Departed
from streams.stories.duplicates import find_original, fingerprint
from streams.stories.explain import Candidate, Explanation
from streams.stories.model import Weights
from streams.stories.remembered import Plan, Remembered
from streams.stories.signals import Comparison
from streams.stories.story import Story
from streams.stories.table import StoryTable
from streams.stories.terms import read_terms
from streams.stories.vectors import Vector, quantise

_HOUR_MS = 3_600_000
_CLOCK_ARTICLES, _CLOCK_WITNESSES = 20, 3
"""The clock is the third latest time among the last twenty articles: neither one article dated in the future nor one
out of an archive moves it, and a stream that goes on after either takes it along at once."""
_LEARN_MIN = 50
_LEARN_SHARE = 0.2
_FORGET_EVERY = 200
_FORGET_MOST = 20_000
"""Articles that leave memory at once, at most: their ids are stored with the article at which they left."""


class Clusterer:
    """Assigns articles to stories, one at a time.

    All state is in the records: `restore` with those stored gives a clusterer that decides as this one would.

    What is forgotten: stories without a new article for `window_hours` by the stream's own clock, with their
    records; the oldest members of a story beyond `story_members`; and, beyond `max_articles`, the stories silent
    longest. Silence is looked for at every two hundredth article. A forgotten article that comes again unchanged
    within the next `replay_articles` is answered as before; after that its record goes, too.
    """

    def __init__(self, config: ClusterConfig | None = None, weights: Weights | None = None) -> None:
        self.config = config or ClusterConfig()
        self.weights = weights or Weights.load()
        self._clear()

    def _clear(self) -> None:
        self._records: dict[str, Remembered] = {}  # in the order of their sequence
        self._table = StoryTable()
        self._means = StreamMeans()
        self._departed = Departed(self.config.replay_articles)
        self._prints: dict[str, list[str]] = {}
        self._sequence = 0
        self._clock = 0
        self._learnt_at = 0
        self._learnt_by: str | None = None

    def __len__(self) -> int:
        """Articles in memory."""
        return len(self._records)

    @property
    def stories(self) -> int:
        """Stories in memory."""
        return len(self._table)

    def story_of(self, article_id: str) -> str | None:
        """The story an article is in now, or None where it is not in memory."""
        record = self._records.get(article_id)
        return record.story if record else None

    def assign(self, article: AnalyzedArticle) -> Assignment:
        """Decide on an article. The same article again gives the same answer; a changed text stays in its story.

        Raises:
            ValueError: the embedding has not 384 numbers. Nothing has changed then.
        """
        known = self._records.get(article.id)
        same = known or self._departed.get(article.id)
        if same is not None and same.revision == content_revision(article.title, article.text):
            return self._answer(same)
        record = self.read(article)
        self._sequence += 1
        self._clock = record.clock = self._tick(record.when)
        vector = self._center(record)
        if known is not None:
            self._revise(record, known)
        else:
            self._decide(record, vector)
        self._insert(record, vector)
        self._learn(record)
        self._forget(record)
        return self._answer(record)

    def restore(self, records: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Replace all state by that of stored records, given in any order.

        Raises:
            ValueError: a record is damaged or of another format.
        """
        self._clear()
        loaded = sorted((Remembered.load(i, stored) for i, stored in records), key=lambda r: r.sequence)
        # Of a correction, the records of a part of its articles may have been stored before the worker was killed.
        by_id = {record.id: record for record in loaded}
        for plan in [record.plan for record in loaded if record.plan is not None]:
            for article_id in (*plan.moves, *plan.fixes):
                if article_id in by_id:
                    plan.carry_out(by_id[article_id])
        for record in loaded:
            if record.learnt is not None and record.learnt["at"] > self._learnt_at:
                self._means = StreamMeans.load(record.learnt["means"])
                self._table = StoryTable(Centres.load(record.learnt["centres"]))
                self._learnt_at, self._learnt_by = record.learnt["at"], record.id
        left = self._left_before(loaded)
        for record in loaded:
            self._sequence, self._clock = record.sequence, record.clock
            if record.id not in left:
                self._insert(record, self._center(record))

    def _left_before(self, loaded: list[Remembered]) -> set[str]:
        """Those of the stored records that are not in memory any more."""
        by_id = {record.id: record for record in loaded}
        left: set[str] = set()
        for later in loaded:
            for article_id in later.forgot:
                record = by_id.get(article_id)
                if record is not None and record.sequence <= later.sequence:
                    self._departed.put(record, later.sequence)
                    left.add(article_id)
            for article_id in later.dropped:
                if article_id in by_id and by_id[article_id].sequence <= later.sequence:
                    self._departed.discard(article_id)
                    left.add(article_id)
        return left

    def recall(self, articles: Iterable[ClusteredArticle]) -> list[Assignment]:
        """Bring articles of forgotten stories back, from the index, into the stories they were in.

        They count as arrived now; those still in memory are passed over. The records are to be stored again.
        """
        answers = []
        for article in articles:
            if article.id in self._records:
                continue
            record = self.read(article)
            record.story, record.duplicate_of = article.story_id, article.duplicate_of
            record.new_story, record.score = article.decision.new_story, article.decision.score
            record.candidates = article.decision.candidates
            record.version, record.clock = max(record.version, article.version), self._clock or record.when
            self._sequence, self._clock = record.sequence, record.clock
            self._insert(record, self._center(record))
            answers.append(self._answer(record))
        return answers

    def review(self) -> repair.Review:
        """A second look at the recent stories, all at once. It may go on while articles are assigned."""
        limit = self._clock - int(self.config.repair_hours * _HOUR_MS)
        recent = retention.recent(self._table.stories.values(), limit, self.config.repair_articles)
        return repair.Review(recent, self.weights, self._clock)

    def repairs(self) -> list[StoryCorrection]:
        """What a second look finds now, to be applied in order. Nothing is changed."""
        return self.review().corrections()

    def correct(self, correction: StoryCorrection) -> list[Assignment]:
        """Carry out a merge or a split; what became of each article concerned.

        An operator's correction is final: the clusterer's own never undo it. The same correction again gives the
        same answer, also where only the first of its records were stored before; articles that are no longer in
        memory are passed over.
        """
        begun = next((r.plan for r in self._records.values() if r.plan and r.plan.correction == correction.id), None)
        moved = [r for r in self._records.values() if r.moved and r.moved[0] == correction.id]
        if begun is None and not moved:
            begun = self._plan(correction)
            for article_id in begun.moves:
                self._take_out(self._records[article_id])
            concerned = [self._records[article_id] for article_id in (*begun.moves, *begun.fixes)]
            for record in concerned:
                begun.carry_out(record)
            if concerned:
                min(concerned, key=lambda r: r.sequence).plan = begun  # whose record is the first to be stored
            moved = [self._records[article_id] for article_id in begun.moves]
            for record in moved:
                self._insert(record, self._center(record))
        fixed = [self._records[i] for i in begun.fixes if i in self._records] if begun else []
        return [self._answer(r, correction.id) for r in sorted([*moved, *fixed], key=lambda r: r.sequence)]

    def _plan(self, correction: StoryCorrection) -> Plan:
        by_operator, merges = correction.by != repair.BY, correction.kind == "merge"
        source, target = correction.other_story_id, correction.story_id
        if not merges:
            source, target = target, source
        leaving = set(correction.article_ids)
        moves = [
            record
            for record in self._members(source)
            if (merges or record.id in leaving) and (by_operator or not (record.fixed or target in record.apart))
        ]
        fixes = [r for r in self._members(target) if not r.fixed] if by_operator and merges and moves else []
        at = _milliseconds(correction.at.timestamp())
        return Plan(
            correction=correction.id,
            sequence=self._sequence,
            source=source,
            target=target,
            by_operator=by_operator,
            apart=by_operator and not merges,
            moves={record.id: max(record.version + 1, at) for record in moves},
            fixes={record.id: record.version + 1 for record in fixes},
        )

    def _members(self, story_id: str) -> list[Remembered]:
        story = self._table.stories.get(story_id)
        return list(story.members.values()) if story else []

    def explain(self, article_id: str) -> Explanation | None:
        """Why an article is where it is, by the stories as they are now; None where it is not in memory."""
        record = self._records.get(article_id)
        if record is None:
            return None
        vector = self._center(record)
        self._table.remove(record, vector)
        compared = self._compare(record, vector)
        self._table.add(record, vector)
        return Explanation(
            article_id=record.id,
            story_id=record.story,
            duplicate_of=record.duplicate_of,
            new_story=record.new_story,
            score=record.score,
            fixed=record.fixed,
            moved=record.moved,
            threshold=self.weights.join,
            candidates=compared,
        )

    def compare(self, article: AnalyzedArticle) -> list[Candidate]:
        """The stories an article would be compared with if it arrived now, closest first. Nothing is changed."""
        record = self.read(article)
        return self._compare(record, self._center(record))

    # -- deciding

    def _compare(self, record: Remembered, vector: Vector) -> list[Candidate]:
        comparison = Comparison(record, self._table, self._means, self.weights)
        found = [
            Candidate.of(story, comparison.signals(product, story), self.weights)
            for product, story in self._table.candidates(record, vector, self.config.candidates)
        ]
        return sorted(found, key=lambda each: (-each.closeness, each.story_id))

    def read(self, article: AnalyzedArticle) -> Remembered:
        """What would be remembered of an article if it arrived now; its story is not decided. Nothing is changed."""
        return Remembered(
            id=article.id,
            sequence=self._sequence + 1,
            story="",
            revision=content_revision(article.title, article.text),
            language=article.language,
            when=_milliseconds(article.when.timestamp()),
            clock=0,
            version=_milliseconds(article.collected.timestamp()),
            vector=quantise(article.embedding),
            terms=read_terms(article),
            fingerprint=fingerprint(article),
        )

    def _decide(self, record: Remembered, vector: Vector) -> None:
        compared = self._table.candidates(record, vector, self.config.candidates)
        record.candidates = len(compared)
        same = self._prints.get(record.fingerprint)
        if same:
            original = self._records[same[0]]
            record.story, record.duplicate_of = original.story, original.id
            record.new_story, record.score = False, 1.0
            return
        best, closest = self._closest(record, compared)
        if best is None:
            record.story = story_id(record.id)
            record.new_story = record.story not in self._table.stories
            return
        record.story, record.new_story = best.id, False
        record.score = round(self.weights.probability(closest), 4)
        copied = find_original(record, best.members.values())
        record.duplicate_of = copied.id if copied else None

    def _closest(self, record: Remembered, compared: list[tuple[float, Story]]) -> tuple[Story | None, float]:
        """The story to join, the first of equals; None where none is close enough."""
        comparison = Comparison(record, self._table, self._means, self.weights, whole=False)
        # The most promising first: what they reach rules most of the others out.
        bounds = sorted(((comparison.bound(*each), -row) for row, each in enumerate(compared)), reverse=True)
        best, closest, first = None, self.weights.join, 0
        for bound, row in bounds:
            if bound < closest:
                break
            product, story = compared[-row]
            closeness = self.weights.closeness(comparison.signals(product, story))
            if closeness > closest or (closeness == closest and (best is None or -row < first)):
                best, closest, first = story, closeness, -row
        return best, closest

    def _revise(self, record: Remembered, known: Remembered) -> None:
        """A new revision stays where the article is."""
        record.story, record.new_story = known.story, known.new_story
        record.score, record.candidates = known.score, known.candidates
        record.duplicate_of = known.duplicate_of if known.fingerprint == record.fingerprint else None
        record.fixed, record.apart, record.moved, record.plan = known.fixed, known.apart, known.moved, known.plan
        record.version = max(record.version, known.version + 1)
        record.forgot = [i for i in known.forgot if i in self._departed]
        if self._learnt_by == known.id:
            record.learnt = known.learnt
        self._drop(known)

    # -- memory

    def _center(self, record: Remembered) -> Vector:
        return self._means.center(record.vector, record.language)

    def _tick(self, when: int) -> int:
        last = islice(reversed(self._records.values()), _CLOCK_ARTICLES - 1)
        times = sorted([when, *(record.when for record in last)], reverse=True)
        return max(self._clock, times[min(_CLOCK_WITNESSES, len(times)) - 1])

    def _insert(self, record: Remembered, vector: Vector) -> None:
        self._departed.discard(record.id)
        self._records[record.id] = record
        self._table.add(record, vector)
        if record.fingerprint:
            same = self._prints.setdefault(record.fingerprint, [])
            if record.id not in same:
                same.append(record.id)

    def _take_out(self, record: Remembered) -> None:
        self._table.remove(record, self._center(record))

    def _drop(self, record: Remembered) -> None:
        self._take_out(record)
        del self._records[record.id]
        if record.fingerprint:
            same = self._prints[record.fingerprint]
            same.remove(record.id)
            if not same:
                del self._prints[record.fingerprint]

    def _learn(self, record: Remembered) -> None:
        """Every so often, estimate anew what all of the stream has in common; keep it in this article's record."""
        due = max(_LEARN_MIN, int(_LEARN_SHARE * len(self._records)))
        if record.sequence - self._learnt_at < due:
            return
        records = list(self._records.values())
        self._means = StreamMeans.estimate((r.language, r.story, r.vector) for r in records)
        centres = self._table.relearn(self._means)
        record.learnt = {"at": record.sequence, "means": self._means.dump(), "centres": centres.dump()}
        self._learnt_at, self._learnt_by = record.sequence, record.id

    def _forget(self, newest: Remembered) -> None:
        """What leaves memory now. The record that holds what was learnt last waits for the next such record."""
        gone: list[Remembered] = []
        members = self._table.stories[newest.story].members
        if len(members) > self.config.story_members:
            gone.append(next(r for r in members.values() if r.id != self._learnt_by))
        if newest.sequence % _FORGET_EVERY == 0:
            limit = self._clock - int(self.config.window_hours * _HOUR_MS)
            surplus = len(self._records) - len(gone) - self.config.max_articles
            silent = retention.silent(self._table.stories.values(), limit, surplus, self._learnt_by)
            gone.extend(silent[:_FORGET_MOST])
        for record in {r.id: r for r in gone}.values():
            self._drop(record)
            self._departed.put(record, newest.sequence)
            newest.forgot.append(record.id)
        newest.dropped = self._departed.expire(newest.sequence)

    def _answer(self, record: Remembered, correction: str | None = None) -> Assignment:
        """`correction`: where it is the answer to one, that of the articles that it has moved alone."""
        moved = record.moved if correction is None or record.moved[:1] == [correction] else []
        return Assignment(
            article_id=record.id,
            story_id=record.story,
            duplicate_of=record.duplicate_of,
            decision=Decision(new_story=record.new_story, score=record.score, candidates=record.candidates),
            version=record.version,
            record=record.dump(),
            # On a replay, an article that has come back since must not be deleted.
            forgotten=[i for i in record.dropped if i not in self._records and i not in self._departed],
            moved_from=moved[1] if moved else None,
        )


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))
