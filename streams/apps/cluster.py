"""cluster: articles.analyzed → articles.clustered. One partition, one live worker; the others stand by.

The Faust table holds one record an article, what the clusterer must remember of it; its changelog is the durable
state. The clusterer itself (vectors, index, counts) lives in memory and is rebuilt from the table whenever the
partition comes to this worker.

Corrections of stories, by an operator or by the clusterer's own second look, come over `stories.corrections`. Each
article that moves is read again from articles.analyzed and sent on twice: out of the story it leaves, into the one it
joins. Stories that were forgotten come back the same way: a recall brings their articles with it, from the index, and
is where they are read again, since articles.analyzed may no longer have them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from runtime.logs import get_logger
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle
from schemas.codec import decode
from schemas.stories import StoryCorrection
from schemas.topics import ANALYZED, CLUSTERED, CORRECTIONS, Topic
from streams.apps.clock import refuse_the_future
from streams.apps.faust.app import changelog
from streams.apps.faust.progress import TakenOver
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Position, Way
from streams.pipeline import clustered, retracted
from streams.stories import Assignment, Clusterer

log = get_logger(__name__)

_SECOND_LOOK = 20.0
"""Seconds between two looks at the recent stories, where articles have come since the last."""
_LOOK_SHARE = 0.1
"""Of the time at most goes into looking back: a long look is followed by a longer rest."""
_OFFSET, _RECALLED, _GENERATION = "o", "rc", "gn"
"""In a stored record, beside the clusterer's own fields: where articles.analyzed has the article, or, with the second,
where stories.corrections has the recall that brought it; and of which generation of the group the decision is."""


class ClusterStage:
    """The clusterer on the bus."""

    def __init__(self, settings: Settings) -> None:
        self.stage = Stage("cluster", settings)
        self._records: Any = self.stage.table("records", ANALYZED, None)
        self._clusterer: Clusterer | None = None
        self._unseen = False
        """Whether articles have come since the last second look."""
        self._rest_until = 0.0
        self.stage.forget = self._let_go
        self.stage.consume(Way(ANALYZED, AnalyzedArticle, self._decide, lambda article: article.id))
        self.stage.consume(Way(CORRECTIONS, StoryCorrection, self._correct, lambda correction: correction.story_id))
        self.stage.app.timer(interval=_SECOND_LOOK)(self._look_again)

    def _let_go(self) -> None:
        # Another worker may decide, or have decided, in the meantime: what is in memory may be old.
        self._clusterer = None

    async def _restored(self) -> Clusterer:
        if self._clusterer is None:
            started, generation = time.monotonic(), self.stage.progress.generation
            clusterer = Clusterer()
            known = [(str(key), value) for key, value in self._records.items()]
            await asyncio.to_thread(clusterer.restore, known)
            self.stage.progress.check(generation)  # else it is of a table that another worker has written since
            self._clusterer = clusterer
            log.info("restored", articles=len(known), seconds=round(time.monotonic() - started, 2))
        return self._clusterer

    async def _decide(self, article: AnalyzedArticle, position: Position) -> Sequence[Outgoing]:
        refuse_the_future(article)
        clusterer = await self._restored()
        assignment = clusterer.assign(article)
        generation = self._store(assignment, position, {_OFFSET: position.offset})
        for forgotten in assignment.forgotten:
            self._records.pop(forgotten, None)
        self._unseen = True
        return [Outgoing(CLUSTERED, assignment.story_id, clustered(article, assignment, generation=generation))]

    async def _correct(self, correction: StoryCorrection, position: Position) -> Sequence[Outgoing]:
        clusterer = await self._restored()
        if correction.kind == "recall":
            return self._recall(clusterer, correction, position)
        moved = []
        for assignment in clusterer.correct(correction):
            stored = self._records.get(assignment.article_id) or {}
            place = {key: stored[key] for key in (_OFFSET, _RECALLED) if key in stored}
            generation = self._store(assignment, position, place)
            if assignment.moved_from is not None:
                moved.append((assignment, place, generation))
        found = await self._again([(assignment.article_id, place) for assignment, place, _ in moved])
        outgoing = []
        for assignment, _, generation in moved:
            article = found.get(assignment.article_id)
            if article is None:
                log.warning("article expired", article=assignment.article_id, correction=correction.id)
                self.stage.health.handled(CORRECTIONS.name, outcome="article_expired")
                continue
            joining = clustered(article, assignment, correction.id, generation)
            outgoing += [Outgoing(CLUSTERED, one.story_id, one) for one in (retracted(joining), joining)]
        log.info("corrected", kind=correction.kind, by=correction.by, articles=len(moved), story=correction.story_id)
        return outgoing

    def _recall(self, clusterer: Clusterer, correction: StoryCorrection, position: Position) -> Sequence[Outgoing]:
        """Nothing follows: to everyone else the story has been there all the time."""
        for article in correction.articles:
            refuse_the_future(article)
        back = clusterer.recall(correction.articles)
        for assignment in back:
            self._store(assignment, position, {_OFFSET: position.offset, _RECALLED: True})
        log.info("recalled", story=correction.story_id, by=correction.by, articles=len(back))
        return []

    def _store(self, assignment: Assignment, position: Position, place: dict[str, Any]) -> int:
        """Remember a decision; returns the generation it is of, which a repeated one keeps."""
        known = self._records.get(assignment.article_id) or {}
        same = known.get("v") == assignment.version and known.get("s") == assignment.story_id
        generation: int = known.get(_GENERATION, 0) if same else position.generation
        self._records[assignment.article_id] = {**assignment.record, **place, _GENERATION: generation}
        return generation

    async def _again(self, wanted: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, AnalyzedArticle]:
        """Articles read again from where they are; those that are gone are absent."""
        arrived = {place.get(_OFFSET, -1): key for key, place in wanted if _RECALLED not in place}
        recalls = {place[_OFFSET] for _, place in wanted if _RECALLED in place}
        found = {
            arrived[at]: decode(AnalyzedArticle, value) for at, value in (await self._at(ANALYZED, arrived)).items()
        }
        for value in (await self._at(CORRECTIONS, recalls)).values():
            for article in decode(StoryCorrection, value).articles:
                found.setdefault(article.id, AnalyzedArticle.model_validate(article.model_dump()))
        return found

    async def _at(self, topic: Topic, offsets: Collection[int]) -> dict[int, bytes]:
        read = partial(asyncio.to_thread, self.stage.lookback.at, (topic.name, 0), offsets)
        found: dict[int, bytes] = await self.stage.outlet.persist("read articles again", read)
        return found

    async def _look_again(self) -> None:
        """Publish what a second look at the recent stories finds; it comes back over the bus like an operator's."""
        if self._clusterer is None or not self._unseen or time.monotonic() < self._rest_until:
            return
        self._unseen, generation = False, self.stage.progress.generation
        try:
            async with self.stage.turn:
                # Let go while we waited: restored now, it would be of a table that is still being filled.
                if (clusterer := self._clusterer) is None:
                    return
                started = time.monotonic()
                review = clusterer.review()
            # Articles go on meanwhile. What they change, and what operators do, a correction that comes later respects.
            corrections = await asyncio.to_thread(review.corrections)
            ended = time.monotonic()
            await self.stage.still_ours(generation)
            self._rest_until = ended + (ended - started) / _LOOK_SHARE
            log.info("looked back", seconds=round(ended - started, 3), corrections=len(corrections))
            for correction in corrections:
                await self.stage.outlet.send(Outgoing(CORRECTIONS, correction.story_id, correction))
        except TakenOver:
            log.info("second look left to another")
        except Exception:
            # The next look finds it again; a timer that raises would end the worker.
            log.exception("second look failed")


def make_stage(settings: Settings) -> Stage:
    """The stage, ready to run."""
    cluster = ClusterStage(settings)
    cluster.stage.prepare([changelog("cluster", "records", ANALYZED.partitions)])
    return cluster.stage
