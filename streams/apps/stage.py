"""What the three Faust apps share: an app that loses nothing, and a loop that never raises.

A Faust agent acknowledges a message also when it raises, so nothing may raise out of an agent. `Stage.handle` sees to
it: a message that is not what it should be goes to the dead letters with its reason; broken infrastructure is retried
inside the event, with backoff, which stops the partition and keeps the order. A message is acknowledged when every
message it gave rise to has been acknowledged by the broker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import faust
from aiokafka.errors import MessageSizeTooLargeError
from faust.types import TP

from polywire.runtime.deadletters import REPLAYS_HEADER, DeadLetter
from polywire.runtime.health import StageHealth
from polywire.runtime.kafka import create_topics, make_admin
from polywire.runtime.logs import get_logger
from polywire.runtime.settings import Settings
from schemas.base import Message
from schemas.codec import InvalidMessage, decode, encode
from schemas.topics import CATALOGUE, DEADLETTERS, Topic
from streams.apps.app import make_app
from streams.apps.patience import pause_after_empty_fetches
from streams.apps.tables import ConfirmedTable
from streams.apps.worker import Worker

log = get_logger(__name__)
M = TypeVar("M", bound=Message)

_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between tries; the last is repeated for as long as it takes."""
_PULSE = 2.0
"""Seconds between two looks at the lag."""


@dataclass(frozen=True)
class Outgoing:
    """A message for a topic, under its key."""

    topic: Topic
    key: str
    message: Message


@dataclass(frozen=True)
class Source:
    """Where the message in hand came from."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime


Step = Callable[[M, Source], Awaitable[Sequence[Outgoing]]]


class Stage:
    """One stream processor: its Faust app, its health, and the way its messages take."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.health = StageHealth(name)
        if settings.engines == "embedded":
            pause_after_empty_fetches()
        self.app = make_app(name, settings)
        self._outputs: dict[str, faust.TopicT] = {}
        self._done: dict[TP, int] = {}
        self._sources: set[str] = set()
        self._tables: list[ConfirmedTable] = []
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

    def consume(self, topic: Topic, model: type[M], step: Step[M], key_of: Callable[[M], str] | None = None) -> None:
        """Handle every message of `topic` with `step`.

        `key_of` gives the key a message should have come under; another key is a dead letter (it would break the
        order of an article's revisions), none at all is accepted.
        """
        self._sources.add(topic.name)

        async def agent(stream: faust.StreamT) -> None:
            async for event in stream.events():
                await self.handle(event, topic, model, step, key_of)

        agent.__name__ = f"{self.name}_{topic.name.replace('.', '_')}"
        self.app.agent(self.channel(topic), name=agent.__name__)(agent)

    async def handle(
        self,
        event: Any,
        topic: Topic,
        model: type[M],
        step: Step[M],
        key_of: Callable[[M], str] | None,
    ) -> None:
        """One message, whatever it is. Does not raise, and returns only when its effect is confirmed."""
        # One at a time, also where a stage reads two topics: what follows from two messages leaves in the order in
        # which they were decided.
        async with self.turn:
            started = time.monotonic()
            record = event.message
            source = Source(
                record.topic, record.partition, record.offset, datetime.fromtimestamp(record.timestamp or 0, UTC)
            )
            try:
                message = decode(model, record.value)
                expected = key_of(message) if key_of else None
                if expected is not None and record.key is not None and record.key != expected.encode():
                    shown = record.key.decode("utf-8", "replace")[:80]
                    raise InvalidMessage(f"key {shown!r} is not the {topic.key} in the value ({expected!r})")
                outgoing = await step(message, source)
                # First what is remembered, then what is told: a replay must find what was decided.
                for table in self._tables:
                    await self.persist("store what was decided", table.confirmed)
                await self._send_all(outgoing)
            except InvalidMessage as error:
                await self._bury(event, error.reason)
            except MessageSizeTooLargeError as error:
                await self._bury(event, f"what came of it is too large for the bus: {error}")
            except Exception as error:
                # Infrastructure is retried below this point, so what arrives here is a fault of ours on this one
                # message. It must not stop the stream, and must not be lost.
                log.exception("message_failed", topic=source.topic, partition=source.partition, offset=source.offset)
                await self._bury(event, f"{type(error).__name__}: {error}")
            else:
                self.health.handled(topic.name, time.monotonic() - started)
            self._done[TP(source.topic, source.partition)] = source.offset

    async def _send_all(self, outgoing: Sequence[Outgoing]) -> None:
        # Together: the broker confirms them in one round trip.
        # Those for one topic keep their order, because the client sends in the order it is asked to.
        await asyncio.gather(*(self.send(out) for out in outgoing))

    async def send(self, out: Outgoing) -> None:
        """Send a message and wait for the broker's acknowledgement, for as long as it takes."""
        await self._confirmed(out.topic, out.key.encode(), encode(out.message), None)

    async def _confirmed(
        self, topic: Topic, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]] | None
    ) -> None:
        """Send and wait for the broker's acknowledgement, for as long as it takes."""
        channel = self._outputs.get(topic.name)
        if channel is None:
            channel = self._outputs[topic.name] = self.channel(topic)

        async def attempt() -> None:
            await (await channel.send(key=key, value=value, headers=headers))

        await self.persist(f"send to {topic.name}", attempt)

    async def persist(self, what: str, attempt: Callable[[], Awaitable[Any]]) -> Any:
        """Retry `attempt` until it works. Only for broken infrastructure: what can never work raises at once."""
        tries = 0
        while True:
            try:
                return await attempt()
            except (MessageSizeTooLargeError, InvalidMessage):
                raise
            except Exception as error:
                delay = _BACKOFF[min(tries, len(_BACKOFF) - 1)]
                tries += 1
                self.health.retrying(error)
                log.warning("retrying", what=what, tries=tries, delay=delay, error=str(error) or type(error).__name__)
                await asyncio.sleep(delay)

    async def _bury(self, event: Any, reason: str) -> None:
        record = event.message
        # Faust hands headers over as a list of pairs or a mapping, by driver.
        pairs = record.headers.items() if isinstance(record.headers, dict) else (record.headers or [])
        replays = dict(pairs).get(REPLAYS_HEADER, b"0")
        letter = DeadLetter(
            stage=self.name,
            reason=reason,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            at=datetime.now(UTC),
            replays=int(replays) if replays.isdigit() else 0,
        )
        log.warning("dead_letter", reason=reason, topic=letter.topic, partition=letter.partition, offset=letter.offset)
        await self._confirmed(DEADLETTERS, letter.record_key, record.value or b"", letter.headers())
        self.health.rejected(letter.topic, reason)

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self.health.ready()

    async def _revoked(self, *_: Any, **__: Any) -> None:
        for table in self._tables:
            table.disown()

    async def _pulse(self) -> None:
        self.health.beat()
        consumer = self.app.consumer
        mine = [tp for tp in consumer.assignment() if tp.topic in self._sources]
        if not mine:
            self.health.lag({})
            return
        try:
            ends = await consumer.highwaters(*mine)
            lag = {}
            for tp in mine:
                done = self._done.get(tp)
                position = done + 1 if done is not None else await consumer.position(tp)
                lag[(tp.topic, tp.partition)] = max(0, (ends.get(tp) or 0) - (position or 0))
        except Exception as error:  # a look at the lag must never stop the stage
            log.debug("lag_unknown", error=str(error))
            return
        self.health.lag(lag)

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
