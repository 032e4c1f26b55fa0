"""Whoever produces decides how a batch is compressed and how much lies on a topic: our clients read all of it."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaProducer, TopicPartition

from runtime.bus.clients import REQUEST_BYTES, client_options, create_topics, make_consumer, make_producer
from runtime.settings import Settings
from schemas.topics import Topic
from tests.bus import records_of

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


def test_a_backlog_of_more_than_a_client_expects_in_one_answer_is_read(settings: Settings) -> None:
    topic = Topic("backlog", "none", 1, "delete", None, "", (), ())
    create_topics(settings, [topic])
    producer = make_producer(settings, "test")
    for _ in range(8):
        producer.send(topic.name, key=b"k", value=b"x" * (REQUEST_BYTES - 100_000)).get(30)
    producer.close()
    assert len(records_of(settings, topic)) == 8


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
