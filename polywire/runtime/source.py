"""Where a consumer's messages come from: a Kafka consumer group behind the few calls the loop needs.

The loop (polywire.runtime.consumer) knows only `Source`, so its behaviour is tested on an in-memory one and on Kafka
by the same suite.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from polywire.runtime.kafka import make_consumer, next_offset
from polywire.runtime.settings import Settings
from schemas.topics import Topic

Partition = tuple[str, int]
"""Topic and number."""

POLL_RECORDS = 200
"""Messages a poll returns at most: an article with its embedding is 10 to 20 kB."""
_COMMIT_TIMEOUT_MS = 10_000
_LOOK_MS, _PAUSE = 5, 0.1
"""A poll that finds nothing ends after so many milliseconds, and the next one comes so many seconds later. Waiting
inside one long poll would let the client ask without pause an engine that answers at once when it has nothing (the
embedded one does): most of a core for an idle consumer. Polls of 0 ms would starve the client's own network loop."""


@dataclass(frozen=True)
class Record:
    """A message as it lay on its topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0
    """Milliseconds since 1970: when it was put on the topic."""

    @property
    def place(self) -> Partition:
        return self.topic, self.partition


class CommitRefused(Exception):
    """The group has moved on without this member. Whatever it lost comes back, here or elsewhere: harmless."""


class Source(Protocol):
    """A member of a consumer group."""

    def poll(self, seconds: float) -> list[Record]:
        """New records, in offset order within a partition; waits up to `seconds`. Keeps the membership alive."""

    def revoked(self) -> set[Partition]:
        """Partitions taken away since the last call. What is in hand of them must be dropped."""

    def pause(self) -> None:
        """Let polls return nothing, while they keep the membership alive."""

    def resume(self) -> None:
        """Let polls return records again."""

    def commit(self, offsets: dict[Partition, int]) -> None:
        """Remember the next offset to read of each partition.

        Raises:
            CommitRefused: this member no longer has the right to.
            kafka.errors.KafkaError: the broker could not be asked.
        """

    def ends(self) -> dict[Partition, tuple[int, int]]:
        """For each partition in hand: the next offset to be polled and the end, as far as they are known."""

    def close(self) -> None:
        """Leave the group."""


class _Listener(ConsumerRebalanceListener):
    """Only notes what happened: it runs on the thread that sends the heartbeats."""

    def __init__(self) -> None:
        self.taken: queue.SimpleQueue[Partition] = queue.SimpleQueue()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for tp in revoked:
            self.taken.put((tp.topic, tp.partition))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to do: a new partition starts from its committed offset."""


class KafkaSource:
    """A kafka-python consumer as a `Source`."""

    def __init__(self, settings: Settings, group: str, topics: Sequence[Topic], **options: Any) -> None:
        self._listener = _Listener()
        self._consumer: KafkaConsumer = make_consumer(
            settings, group, (), **{"max_poll_records": POLL_RECORDS, **options}
        )
        self._consumer.subscribe([topic.name for topic in topics], listener=self._listener)
        self._paused = False

    def poll(self, seconds: float) -> list[Record]:
        if self._paused:
            # A rebalance hands out partitions that are not paused.
            self._pause_all()
        deadline = time.monotonic() + seconds
        while not (polled := self._consumer.poll(timeout_ms=_LOOK_MS)) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        return [
            Record(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers or ()), r.timestamp)
            for records in polled.values()
            for r in records
        ]

    def revoked(self) -> set[Partition]:
        taken = set()
        while not self._listener.taken.empty():
            taken.add(self._listener.taken.get_nowait())
        return taken

    def _pause_all(self) -> None:
        running = self._consumer.assignment() - self._consumer.paused()
        if running:
            self._consumer.pause(*running)

    def pause(self) -> None:
        self._paused = True
        self._pause_all()

    def resume(self) -> None:
        self._paused = False
        paused = self._consumer.paused()
        if paused:
            self._consumer.resume(*paused)

    def commit(self, offsets: dict[Partition, int]) -> None:
        wanted = {TopicPartition(*place): next_offset(offset - 1) for place, offset in offsets.items()}
        try:
            self._consumer.commit(wanted, timeout_ms=_COMMIT_TIMEOUT_MS)
        except (
            CommitFailedError,
            FencedInstanceIdError,
            IllegalGenerationError,
            RebalanceInProgressError,
            UnknownMemberIdError,
        ) as error:
            raise CommitRefused(str(error) or type(error).__name__) from error

    def ends(self) -> dict[Partition, tuple[int, int]]:
        found = {}
        for tp in self._consumer.assignment():
            try:
                end = self._consumer.highwater(tp)
                if end is None:
                    continue  # nothing fetched yet
                position = self._consumer.position(tp, timeout_ms=1000)
            except IllegalStateError:
                continue  # taken away while we asked
            found[(tp.topic, tp.partition)] = (end if position is None else position, end)
        return found

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=5_000)
