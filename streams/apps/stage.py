"""What the three Faust apps share: an app that loses nothing, and a loop that never raises.

Nothing may raise out of a Faust agent. `Stage.handle` sees to it: a message that is not what it should be goes to the
dead letters with its reason; broken infrastructure is retried inside the event, with backoff, which stops the
partition and keeps the order. A message counts as handled, and is committed, when every message it gave rise to has
been acknowledged by the broker, and everything before it on its partition has been handled: what Faust leaves out is
fetched from the topic (see streams.apps.faust.progress).

Two things end a stage by itself. Of a message that has ended its process three times nothing is read any more, and
where dead letters follow one another without end it stops and waits for a person (see runtime.bus.marks). And
what follows from a message is stored and told only as long as its partition is this worker's
(streams.apps.faust.lease).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import faust

from runtime.bus.clients import create_topics
from runtime.bus.marks import DEATHS, stopped_sentence
from runtime.bus.source import Partition, Record
from runtime.errors import UserError
from runtime.health import StageHealth
from runtime.logs import get_logger
from runtime.settings import Settings
from schemas.base import Message
from schemas.codec import InvalidMessage
from schemas.topics import CATALOGUE, Topic
from streams.apps import standstill
from streams.apps.faust.app import make_app
from streams.apps.faust.patience import pause_after_empty_fetches
from streams.apps.faust.progress import TakenOver
from streams.apps.faust.tables import ConfirmedTable
from streams.apps.faust.worker import Worker
from streams.apps.lookback import Lookback
from streams.apps.outlet import Outlet, check
from streams.apps.way import Position, Way, record_of

log = get_logger(__name__)
M = TypeVar("M", bound=Message)

_WORD = 5.0
"""Seconds that it may take to tell the group what makes its next owner more or less careful, and changes no offset."""


class Stage:
    """One stream processor: its Faust app, its health, and the way its messages take."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.health = StageHealth(name)
        if settings.engines == "embedded":
            pause_after_empty_fetches()
        self.app = make_app(name, settings)
        self.progress = self.app.progress
        self.lookback = Lookback(settings, str(self.app.conf.id))
        self.outlet = Outlet(self.health, self.channel)
        self.outlet.waits = self._take_try_back
        self.ending: UserError | None = None
        """Why the stage ends by itself."""
        self.forget: Callable[[], None] = lambda: None
        """Called where what was derived from the tables, and is kept in memory, is no longer what they say."""
        self.turn = asyncio.Lock()
        """Held while a message is handled, and by whoever needs what a stage knows to stand still."""
        self._ways: dict[str, Way[Any]] = {}
        self._tables: list[ConfirmedTable] = []
        self._worker: Worker | None = None
        self.standstill = standstill.Standstill(self)
        self.app.timer(interval=standstill.PULSE)(self.standstill.pulse)
        self.app.on_partitions_assigned.connect(self._assigned)
        self.app.on_partitions_revoked.connect(self._revoked)

    def channel(self, topic: Topic) -> faust.TopicT:
        """A catalogue topic as Faust sees it: bytes in, bytes out; decoding is ours, inside the event."""
        return self.app.topic(
            topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw",
            allow_empty=True,
        )  # fmt: skip

    def table(self, name: str, source: Topic, value_type: type | None) -> ConfirmedTable:
        """State by key, with as many partitions as the topic it follows; its topic is `changelog`'s."""
        table: ConfirmedTable = self.app.Table(name, partitions=source.partitions, key_type=str, value_type=value_type)  # type: ignore[assignment]
        self._tables.append(table)
        return table

    def consume(self, way: Way[M]) -> None:
        """Handle every message of a topic."""
        self._ways[way.topic.name] = way

        async def agent(stream: faust.StreamT[Any]) -> None:
            async for event in stream.events():
                await self.handle(record_of(event.message))

        agent.__name__ = f"{self.name}_{way.topic.name.replace('.', '_')}"
        self.app.agent(self.channel(way.topic), name=agent.__name__)(agent)

    async def handle(self, record: Record) -> None:
        """One message, whatever it is, after all that come before it on its partition.

        Does not raise, and returns only when its effect is confirmed, or is another worker's to bring about.
        """
        # One at a time, also where a stage reads two topics: what follows from two messages leaves in the order in
        # which they were decided.
        async with self.turn:
            if self.between_owners:
                return  # not handled, so it is fetched when it is somebody's turn
            generation = self.progress.generation
            first = await self._begins(record.place)
            if record.offset > first:
                await self.fetch(record.place, first, record.offset)
            # Handled before Faust came with it; or not all before it was; or the partition went.
            if self.progress.next(record.place) == record.offset:
                await self._pass(record, generation)

    @property
    def between_owners(self) -> bool:
        """Whether partitions are being shared out, or tables being filled: what a table says now is not the whole."""
        return bool(self.app.rebalancing or self.app.in_recovery)

    async def _begins(self, place: Partition) -> int:
        """The next offset to handle."""
        while (offset := self.progress.next(place)) is None:
            await self.outlet.persist("ask where the group left off", lambda: self.ask({place, *self.mine()}))
        return offset

    def mine(self) -> list[Partition]:
        """The partitions this worker has of the topics that the stage reads."""
        return [(tp.topic, tp.partition) for tp in self.app.consumer.assignment() if tp.topic in self._ways]

    async def ask(self, places: Collection[Partition]) -> None:
        """Ask where the group left off with partitions that have come, and say that they are in our hands."""
        generation = self.progress.generation
        for place, (offset, mark) in (await asyncio.to_thread(self.lookback.left_off, places)).items():
            self.progress.begin(place, offset, mark, generation)
            if mark.stopped and generation == self.progress.generation:
                self._end(mark.stopped)
        await self._say(places)

    async def topic_ids(self) -> dict[str, str]:
        """The ids of the topics that it reads, as far as the brokers give any."""
        return await asyncio.to_thread(self.lookback.topic_ids, list(self._ways))

    async def _say(self, places: Iterable[Partition]) -> None:
        consumer: Any = self.app.consumer
        await consumer.say(places)

    async def _say_in_passing(self, places: Iterable[Partition]) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._say(places), _WORD)

    async def _take_try_back(self) -> None:
        """The message in hand is not to blame where this process is killed while Kafka is waited for."""
        if tried := self.progress.take_tries_back():
            await self._say_in_passing(tried)

    async def fetch(self, place: Partition, first: int, end: int) -> None:
        """Handle the messages from offset `first` to before `end`, which Faust did not come with."""
        generation = self.progress.generation
        self.health.beat()
        while first < end:
            read = partial(asyncio.to_thread, self.lookback.between, place, first, end, standstill.AT_ONCE)
            found: list[Record] = await self.outlet.persist("fetch what was left out", read)
            for record in found:
                # What is not found between two messages the topic no longer has.
                self.progress.reach(place, record.offset, generation)
                if not await self._pass(record, generation):
                    return
                self.health.beat()
            log.warning("left out", topic=place[0], partition=place[1], first=first, end=end, found=len(found))
            first = found[-1].offset + 1 if found else end
        self.progress.reach(place, end, generation)

    async def _pass(self, record: Record, generation: int) -> bool:
        """The way of the next message of a partition; False where it does not end here. Does not raise."""
        if self.ending is not None:
            return False
        try:
            await self.still_ours(generation)
            ledger = self.progress.ledger(record.place)
            if ledger.condemned(record.offset):
                await self._bury(record, f"ended the process {DEATHS} times", generation, ours=False)
            else:
                if ledger.careful:
                    self.progress.tries(record.place)
                    # With it, how far the others have come: what is done there is not to blame for what happens here.
                    await self._say(self.progress)
                await self._follow(record, generation)
        except TakenOver:
            self._take_back()
            log.warning("taken over", topic=record.topic, partition=record.partition, offset=record.offset)
            return False
        if self.ending is None:
            self.progress.reach(record.place, record.offset + 1, generation)
        return self.ending is None

    async def _follow(self, record: Record, generation: int) -> None:
        """What follows from a message, stored and told, or its burial.

        Raises:
            TakenOver: the partition is no longer this worker's.
        """
        way = self._ways[record.topic]
        started = time.monotonic()
        decided: int = self.app.consumer_generation_id
        for table in self._tables:
            decided = max(decided, table.take(record.partition, decided))
        try:
            outgoing = await way.step(way.read(record), Position.of(record, decided))
            check(outgoing)
            # First what is remembered, then what is told: a replay must find what was decided.
            await self.still_ours(generation)
            for table in self._tables:
                await self.outlet.persist("store what was decided", table.confirmed)
            await self.still_ours(generation)
            await self.outlet.send_all(outgoing)
        except TakenOver:
            raise
        except InvalidMessage as error:
            await self._bury(record, error.reason, generation, ours=False)
        except Exception as error:
            # Infrastructure is retried below this point, so what arrives here is a fault of ours on this one
            # message. It must not stop the stream, and must not be lost.
            log.exception("message failed", topic=record.topic, partition=record.partition, offset=record.offset)
            await self._bury(record, f"{type(error).__name__}: {error}", generation, ours=True)
        else:
            self.progress.ledger(record.place).done()
            self.health.handled(record.topic, time.monotonic() - started)

    async def _bury(self, record: Record, reason: str, generation: int, *, ours: bool) -> None:
        """As it came, to the dead letters; after too many in a row it is left where it is, and the stage ends."""
        self._take_back()
        await self.still_ours(generation)
        ledger = self.progress.ledger(record.place)
        if why := ledger.full(ours=ours):
            place = f"{record.topic}/{record.partition}/{record.offset}"
            sentence = stopped_sentence(self.name, why, place, reason)
            self.progress.stop(record.place, sentence)
            self._end(sentence)
            return
        await self.outlet.bury(self.name, record, reason)
        ledger.buried(ours=ours)

    async def still_ours(self, generation: int) -> None:
        """Raises TakenOver where what partitions were in our hands since `generation` no longer are."""
        self.progress.check(generation)
        if not await self.app.lease.held(self.app.consumer_generation_id):
            raise TakenOver
        self.progress.check(generation)

    def _take_back(self) -> None:
        """Nothing follows from the message in hand: what was decided on it is as if it had never been."""
        undone = [table.take_back() for table in self._tables]
        if any(undone):
            self.forget()

    def _end(self, why: str) -> None:
        """Wait for a person: end, and say why. What is committed beside the offset lets no restart go on."""
        self.ending = UserError(why)
        self.health.retrying(self.ending)
        if self._worker is not None:
            self._worker.finish()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self.progress.forget()
        self.forget()
        self.health.ready()

    async def _revoked(self, *_: Any, **__: Any) -> None:
        async with self.turn:  # what Faust does not know of is in hand to its end as well
            self.progress.leave()
            await self._say_in_passing(self.progress)
            self.progress.forget()
            self._take_back()
            self.forget()

    def prepare(self, internal: Sequence[Topic] = ()) -> None:
        """Create the topics that are missing, this stage's own among them.

        Faust would create what is missing with one partition and its own settings, and say nothing.

        Raises:
            UserError: a topic has other partitions than it should: what belongs together would be stored apart.
        """
        if created := create_topics(self.settings, (*CATALOGUE, *internal)):
            log.info("topics created", topics=created)

    def run(self) -> None:
        """Work until told to stop (SIGTERM, SIGINT); the message in hand is finished first. Exits the process.

        Raises:
            UserError: the stage ended by itself, and waits for a person.
        """
        Path(self.app.conf.datadir).mkdir(parents=True, exist_ok=True)
        self.health.serve(self.settings.metrics_host, self.settings.metrics_port)
        self._worker = Worker(self.app, override_logging=False, redirect_stdouts=False, quiet=True)
        self._worker.spinner = None  # writes control characters into the log
        try:
            self._worker.execute_from_commandline()
        finally:
            if self.ending is not None:
                raise self.ending
