"""Reading a topic to its end, for tests that ask what is on it now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from polywire.runtime.kafka import make_consumer
from polywire.runtime.settings import Settings
from schemas.topics import Topic


def records_of(settings: Settings, topic: Topic, starts: Mapping[int, int] | None = None) -> list[Any]:
    """Every record that is on the topic now, however long the broker takes.

    `starts`: from which offset, by partition.
    """
    consumer: KafkaConsumer = make_consumer(settings, None, ())
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        for each in partitions:
            consumer.seek(each, (starts or {}).get(each.partition, 0))
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        while any(consumer.position(each) < ends[each] for each in partitions):
            for batch in consumer.poll(timeout_ms=200).values():
                records += batch
        return records
    finally:
        consumer.close()
