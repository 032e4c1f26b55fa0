"""Articles read again from the bus: a correction moves articles that were decided long ago, and the topic still has
them. The clusterer remembers of an article only what it needs to decide.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from kafka import KafkaConsumer, TopicPartition

from polywire.runtime.kafka import make_consumer
from polywire.runtime.settings import Settings
from schemas.topics import Topic

_PATIENCE = 30.0


class Lookback:
    """Reads single messages of a one-partition topic by their offsets. Blocks: call it in a thread."""

    def __init__(self, settings: Settings, topic: Topic) -> None:
        self._settings = settings
        self._partition = TopicPartition(topic.name, 0)

    def fetch(self, offsets: Iterable[int]) -> dict[int, bytes]:
        """The values at `offsets`; those that the topic no longer holds are absent.

        Raises:
            TimeoutError: the broker did not hand over a message it says it has.
        """
        wanted = sorted(set(offsets))
        if not wanted:
            return {}
        consumer = make_consumer(self._settings, None, (), max_poll_records=1)
        try:
            consumer.assign([self._partition])
            first = consumer.beginning_offsets([self._partition])[self._partition]
            end = consumer.end_offsets([self._partition])[self._partition]
            return {o: value for o in wanted if first <= o < end and (value := self._one(consumer, o)) is not None}
        finally:
            consumer.close()

    def _one(self, consumer: KafkaConsumer, offset: int) -> bytes | None:
        consumer.seek(self._partition, offset)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for records in consumer.poll(timeout_ms=1_000, max_records=1).values():
                for record in records:
                    value: bytes | None = record.value if record.offset == offset else None
                    return value
        raise TimeoutError(f"no answer for {self._partition.topic} at offset {offset} within {_PATIENCE:.0f} s")
