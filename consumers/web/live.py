"""What has just happened: stories and alerts off the bus, to every page that listens.

A thread reads `stories` and `alerts` without a consumer group: every web process sees everything, and commits nothing.
The newest events are kept, so that a page that lost its connection is told what it missed, or that it missed too much.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from runtime.bus.clients import holds_fetches, make_consumer
from runtime.health import StageHealth
from runtime.logs import get_logger
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.codec import InvalidMessage, decode
from schemas.stories import Story
from schemas.topics import ALERTS, BY_NAME, STORIES

log = get_logger(__name__)

KEPT = 1_000
"""Events kept for pages that come back."""
RECENT = 30.0
"""Seconds: what a page that has just been loaded is told of at once. The index, which it was made from, may not have
had it yet."""
GATHER = 0.25
"""Seconds between two tellings: a story that changes ten times in between is told once."""
_LOOK_MS, _LONG_LOOK_MS, _PAUSE = 5, 500, 0.1
"""See runtime.bus.source: on a broker one long poll, on the embedded engine short ones; after each a pause, so that
what comes close together is taken together."""
_RETRY = (1.0, 2.0, 5.0, 15.0)

Kind = Literal["story", "alert"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a story or an alert."""

    number: int
    kind: Kind
    id: str
    at: float
    message: Story | Alert


@dataclass(frozen=True)
class Told:
    """What a page is told: an event, or (with no event) that it should load itself again."""

    id: str
    """What the page gives back as `Last-Event-ID`."""
    event: Event | None


class Hub:
    """Keeps the newest events and hands them to listeners. `publish` may be called from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Numbers start again with every process; the run tells an old process's numbers from ours.
        self._run = secrets.token_hex(4)
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._number = 0
        self._lock = threading.Lock()
        self.closed = False

    def publish(self, kind: Kind, message: Story | Alert) -> None:
        """Tell all listeners."""
        with self._lock:
            self._number += 1
            self._events.append(Event(self._number, kind, message.id, self._clock(), message))

    def lost(self) -> None:
        """Something may have happened that we were not told of: all listeners have to look for themselves."""
        with self._lock:
            self._number += 1
            self._events.clear()

    def close(self) -> None:
        """Let all listeners go."""
        self.closed = True

    def _since(self, number: int) -> tuple[list[Event], bool]:
        """Events after a number, each story and alert only in its last; and whether some are gone already."""
        with self._lock:
            if number >= self._number:
                return [], number > self._number
            missed = not self._events or self._events[0].number > number + 1
            newest: dict[tuple[str, str], Event] = {}
            for event in reversed(self._events):
                if event.number <= number:
                    break
                newest.setdefault((event.kind, event.id), event)
        return sorted(newest.values(), key=lambda event: event.number), missed

    def _start(self, last_event_id: str | None) -> tuple[int, bool]:
        """From which number on a listener is told, and whether it has missed too much."""
        with self._lock:
            if last_event_id:
                run, _, number = last_event_id.partition("-")
                if run == self._run and number.isdigit():
                    return int(number), False
                return self._number, True
            recent = [event.number for event in self._events if event.at >= self._clock() - RECENT]
            return (recent[0] - 1 if recent else self._number), False

    async def listen(self, last_event_id: str | None = None) -> AsyncIterator[Told]:
        """What happens from now on, and before that what a page that comes back has missed."""
        number, missed = self._start(last_event_id)
        while not self.closed:
            events, gone = self._since(number)
            if missed or gone:
                missed = False
                number = self._number
                yield Told(f"{self._run}-{number}", None)
                continue
            for event in events:
                number = event.number
                yield Told(f"{self._run}-{number}", event)
            await asyncio.sleep(GATHER)


class BusReader(threading.Thread):
    """Reads stories and alerts from now on, and publishes them to the hub. Survives Kafka going away."""

    def __init__(self, settings: Settings, hub: Hub, health: StageHealth) -> None:
        super().__init__(name="live", daemon=True)
        self._settings = settings
        self._look_ms = _LONG_LOOK_MS if holds_fetches(settings) else _LOOK_MS
        self._hub = hub
        self._health = health
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """End, within a second or so."""
        self._stop_asked.set()

    def run(self) -> None:
        """See the class."""
        failures = 0
        while not self._stop_asked.is_set():
            try:
                consumer = make_consumer(
                    self._settings, None, (STORIES, ALERTS), auto_offset_reset="latest", bootstrap_timeout_ms=5_000,
                    metadata_max_age_ms=30_000,
                )  # fmt: skip
                if failures:
                    self._hub.lost()
                try:
                    while not self._stop_asked.is_set():
                        self._read(consumer)
                        failures = 0
                        self._stop_asked.wait(_PAUSE)
                finally:
                    consumer.close()
            except KafkaError as error:
                self._health.retrying(error)
                log.warning("kafka away", reason=str(error) or type(error).__name__)
                self._stop_asked.wait(_RETRY[min(failures, len(_RETRY) - 1)])
                failures += 1

    def _read(self, consumer: KafkaConsumer) -> None:
        for records in consumer.poll(timeout_ms=self._look_ms).values():
            for record in records:
                topic = BY_NAME[record.topic]
                try:
                    if topic is STORIES:
                        self._hub.publish("story", decode(Story, record.value))
                    else:
                        self._hub.publish("alert", decode(Alert, record.value))
                except InvalidMessage as error:
                    # The indexer sends it to the dead letters; here it only cannot be shown.
                    self._health.handled(topic.name, outcome="skipped")
                    log.info("not shown", topic=topic.name, offset=record.offset, reason=error.reason)
                else:
                    self._health.handled(topic.name)
        self._health.beat()
