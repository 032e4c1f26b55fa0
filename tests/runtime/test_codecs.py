"""Whoever produces decides how a batch is compressed: both clients read all four ways, or one batch stops a stage."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaProducer, TopicPartition

from polywire.runtime.kafka import client_options, create_topics, make_consumer
from polywire.runtime.settings import Settings
from schemas.topics import Topic

pytestmark = pytest.mark.engine

TEXT = b"a text that comes again and again " * 5_000


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_a_batch_is_read_by_both_clients(settings: Settings, codec: str) -> None:
    topic = Topic(f"codec-{codec}", "none", 1, "delete", None, "", (), ())
    create_topics(settings, [topic])
    producer = KafkaProducer(**client_options(settings), compression_type=codec)
    producer.send(topic.name, value=TEXT).get(30)
    producer.close()

    consumer = make_consumer(settings, None, ())
    consumer.assign([TopicPartition(topic.name, 0)])
    consumer.seek_to_beginning()
    deadline = time.monotonic() + 30
    while not (polled := consumer.poll(timeout_ms=200)) and time.monotonic() < deadline:
        pass
    consumer.close()
    assert [record.value for records in polled.values() for record in records] == [TEXT]

    assert asyncio.run(_by_aiokafka(settings, topic)) == TEXT


async def _by_aiokafka(settings: Settings, topic: Topic) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), 30)
    finally:
        await consumer.stop()
    return record.value
