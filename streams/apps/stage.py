"""What the three Faust apps share: an app that loses nothing, and a loop that never raises.

Nothing may raise out of a Faust agent. `Stage.handle` sees to it: a message that is not what it should be goes to the
dead letters with its reason; broken infrastructure is retried inside the event, with backoff, which stops the
partition and keeps the order. A message counts as handled, and is committed, when every message it gave rise to has
been acknowledged by the broker, and everything before it on its partition has been handled: what Faust leaves out is
fetched from the topic (see streams.apps.progress).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import faust
from faust.types import TP

from polywire.runtime.health import StageHealth
from polywire.runtime.kafka import create_topics, make_admin
from polywire.runtime.logs import get_logger
from polywire.runtime.settings import Settings
from polywire.runtime.source import Partition, Record
from schemas.base import Message
from schemas.codec import InvalidMessage, decode
from schemas.topics import CATALOGUE, Topic
from streams.apps.app import make_app
from streams.apps.lookback import Lookback
from streams.apps.outlet import Outgoing, Outlet, check
from streams.apps.patience import pause_after_empty_fetches
from streams.apps.tables import ConfirmedTable
from streams.apps.worker import Worker

log = get_logger(__name__)
M = TypeVar("M", bound=Message)

_PULSE = 2.0
"""Seconds between two looks at the lag."""
_STANDSTILL = 15.0
"""Seconds without a message handled, while messages wait, after which they are fetched without Faust."""
_AT_ONCE = 100
"""Messages that are fetched so at a time: an article with its embedding is 10 to 20 kB."""


@dataclass(frozen=True)
class Source:
    """Where the message in hand came from."""

    topic: str
    partition: int
    offset: int
    generation: int = 0
    """Of the group when this worker got the partition: of two that decided on the message, the later one is right."""


Step = Callable[[M, Source], Awaitable[Sequence[Outgoing]]]


@dataclass(frozen=True)
class Way(Generic[M]):
    """What becomes of the messages of a topic.

    `key_of` gives the key a message should have come under; another key is a dead letter (it would break the order of
    an article's revisions), none at all is accepted.
    """

    topic: Topic
    model: type[M]
    step: Step[M]
    key_of: Callable[[M], str] | None = None


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
        self._ways: dict[str, Way[Any]] = {}
        self._seen: dict[Partition, int] = {}
        self._moved = time.monotonic()
        self._tables: list[ConfirmedTable] = []
        self.forget: Callable[[], None] = lambda: None
        """Called where what was derived from the tables, and is kept in memory, is no longer what they say."""
        self.turn = asyncio.Lock()
        """Held while a message is handled, and by whoever needs what a stage knows to stand still."""
        self.app.timer(interval=_PULSE)(self._pulse)
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

        async def agent(stream: faust.StreamT) -> None:
            async for event in stream.events():
                await self.handle(_record(event.message))

        agent.__name__ = f"{self.name}_{way.topic.name.replace('.', '_')}"
        self.app.agent(self.channel(way.topic), name=agent.__name__)(agent)

    async def handle(self, record: Record) -> None:
        """One message, whatever it is, after all that come before it on its partition.

        Does not raise, and returns only when its effect is confirmed.
        """
        # One at a time, also where a stage reads two topics: what follows from two messages leaves in the order in
        # which they were decided.
        async with self.turn:
            generation = self.progress.generation
            first = await self._begins(record.place)
            if record.offset > first:
                await self._fetch(record.place, first, record.offset)
            # Handled before Faust came with it; or the partition went, and its next owner begins where we left off.
            if record.offset < first or generation != self.progress.generation:
                return
            await self._follow(record)
            self.progress.reach(record.place, record.offset + 1, generation)

    async def _begins(self, place: Partition) -> int:
        """The next offset to handle."""
        while (offset := self.progress.next(place)) is None:
            await self.outlet.persist("ask where the group left off", lambda: self._ask({place, *self._mine()}))
        return offset

    def _mine(self) -> list[Partition]:
        return [(tp.topic, tp.partition) for tp in self.app.consumer.assignment() if tp.topic in self._ways]

    async def _ask(self, places: Collection[Partition]) -> None:
        for place, offset in (await asyncio.to_thread(self.lookback.left_off, places)).items():
            self.progress.begin(place, offset)

    async def _fetch(self, place: Partition, first: int, end: int) -> None:
        """Handle the messages from offset `first` to before `end`, which Faust did not come with."""
        generation = self.progress.generation
        self.health.beat()
        while first < end:
            read = partial(asyncio.to_thread, self.lookback.between, place, first, end, _AT_ONCE)
            found: list[Record] = await self.outlet.persist("fetch what was left out", read)
            for record in found:
                if generation != self.progress.generation:
                    return
                await self._follow(record)
                self.progress.reach(place, record.offset + 1, generation)
                self.health.beat()
            log.warning("left_out", topic=place[0], partition=place[1], first=first, end=end, found=len(found))
            first = found[-1].offset + 1 if found else end
        # What was not found the topic no longer has.
        self.progress.reach(place, end, generation)

    async def _follow(self, record: Record) -> None:
        """The way of one message. Does not raise."""
        way = self._ways[record.topic]
        started = time.monotonic()
        generation: int = self.app.consumer_generation_id
        for table in self._tables:
            generation = max(generation, table.take(record.partition, generation))
        source = Source(record.topic, record.partition, record.offset, generation)
        try:
            message = decode(way.model, record.value)
            expected = way.key_of(message) if way.key_of else None
            if expected is not None and record.key is not None and record.key != expected.encode():
                shown = record.key.decode("utf-8", "replace")[:80]
                raise InvalidMessage(f"key {shown!r} is not the {way.topic.key} in the value ({expected!r})")
            outgoing = await way.step(message, source)
            check(outgoing)
            # First what is remembered, then what is told: a replay must find what was decided.
            for table in self._tables:
                await self.outlet.persist("store what was decided", table.confirmed)
            await self.outlet.send_all(outgoing)
        except InvalidMessage as error:
            self._take_back()
            await self.outlet.bury(self.name, record, error.reason)
        except Exception as error:
            self._take_back()
            # Infrastructure is retried below this point, so what arrives here is a fault of ours on this one
            # message. It must not stop the stream, and must not be lost.
            log.exception("message_failed", topic=source.topic, partition=source.partition, offset=source.offset)
            await self.outlet.bury(self.name, record, f"{type(error).__name__}: {error}")
        else:
            self.health.handled(record.topic, time.monotonic() - started)

    def _take_back(self) -> None:
        """Nothing follows from the message in hand: what was decided on it is as if it had never been."""
        undone = [table.take_back() for table in self._tables]
        if any(undone):
            self.forget()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self.progress.forget()
        self.forget()
        self.health.ready()

    async def _revoked(self, *_: Any, **__: Any) -> None:
        self.progress.forget()
        for table in self._tables:
            table.take_back()
        self.forget()

    async def _pulse(self) -> None:
        self.health.beat()
        try:
            waiting = await self._waiting(self._mine())
        except Exception as error:  # a look at the lag must never stop the stage
            log.debug("lag_unknown", error=str(error))
            return
        self.health.lag({place: end - first for place, (first, end) in waiting.items()})
        await self._catch_up(waiting)

    async def _waiting(self, places: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """For each partition the next offset to handle, and the end."""
        if not places:
            return {}
        unknown = [place for place in places if self.progress.next(place) is None]
        if unknown:
            await self._ask(unknown)
        ends = await self.app.consumer.highwaters(*(TP(*place) for place in places))
        found = {}
        for place in places:
            first, end = self.progress.next(place), ends.get(TP(*place))
            if first is None or end is None:
                continue
            if end < first:
                log.warning("log_was_cut", topic=place[0], partition=place[1], handled=first, end=end)
                self.progress.doubt(place)
            else:
                found[place] = first, end
        return found

    async def _catch_up(self, waiting: dict[Partition, tuple[int, int]]) -> None:
        """Fetch what waits, where nothing has moved for a while: Faust dropped it, and nothing came after it."""
        now = time.monotonic()
        seen = {place: first for place, (first, _) in waiting.items()}
        behind = {place: end for place, (first, end) in waiting.items() if first < end}
        busy = self.turn.locked() or self.app.rebalancing or self.app.in_recovery
        if busy or not behind or seen != self._seen:
            self._seen, self._moved = seen, now
        if now - self._moved < _STANDSTILL:
            return
        for place, end in behind.items():
            async with self.turn:
                await self._fetch(place, await self._begins(place), end)
        self._moved = time.monotonic()

    def prepare(self, internal: Sequence[Topic] = ()) -> None:
        """Create this stage's own topics, after checking that those of the catalogue are there.

        Faust would create what is missing with one partition and its own settings, and say nothing.
        """
        admin = make_admin(self.settings)
        try:
            missing = {t.name for t in CATALOGUE} - set(admin.list_topics())
        finally:
            admin.close()
        if missing:
            created = create_topics(self.settings)
            log.info("topics_created", topics=created)
        if internal:
            create_topics(self.settings, internal)

    def run(self) -> None:
        """Work until told to stop (SIGTERM, SIGINT); the message in hand is finished first. Exits the process."""
        Path(self.app.conf.datadir).mkdir(parents=True, exist_ok=True)
        self.health.serve(self.settings.metrics_host, self.settings.metrics_port)
        worker = Worker(self.app, override_logging=False, redirect_stdouts=False, quiet=True)
        worker.spinner = None  # writes control characters into the log
        worker.execute_from_commandline()


def _record(message: Any) -> Record:
    """From a message of Faust, which hands headers over as a list of pairs or a mapping, by driver."""
    headers = message.headers.items() if isinstance(message.headers, dict) else (message.headers or ())
    milliseconds = int((message.timestamp or 0) * 1000)
    return Record(
        message.topic, message.partition, message.offset, message.key, message.value, tuple(headers), milliseconds
    )
