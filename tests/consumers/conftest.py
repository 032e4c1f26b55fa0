"""An index, and the bus, for the tests of the consumers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaProducer, TopicPartition

from runtime.bus.clients import create_topics, make_consumer, make_producer, next_offset, publish
from runtime.bus.deadletters import DeadLetter, kafka_dead_letters
from runtime.bus.groups import group_of
from runtime.bus.loop import ConsumerLoop
from runtime.bus.outcomes import Handler
from runtime.bus.partitions import partitions_of
from runtime.bus.source import KafkaSource, Record
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings
from schemas.base import Message
from schemas.topics import CATALOGUE, DEADLETTERS, Topic
from tests.bus import records_of

T = TypeVar("T")


def eventually(what: str, look: Callable[[], T], seconds: float = 40.0) -> T:
    """The first answer of `look` that is true; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"waited {seconds:.0f} s in vain for: {what}")


@pytest.fixture
def es(settings: Settings) -> Iterator[Elasticsearch]:
    with make_client(settings) as client:
        yield client


@dataclass
class Bus:
    """The topics of the engines that the tests share. Each test reads only what came after it began."""

    settings: Settings
    producer: KafkaProducer
    starts: dict[str, dict[int, int]]

    def put(self, topic: Topic, key: str | None, *messages: Message | bytes | None) -> None:
        """On the topic, acknowledged."""
        for message in messages:
            if isinstance(message, Message) and key is not None:
                publish(self.producer, topic, key, message).get(30)
            else:
                assert not isinstance(message, Message)
                self.producer.send(topic.name, key=key.encode() if key else None, value=message).get(30)

    def read(self, topic: Topic) -> list[Record]:
        """Everything on a topic since the test began."""
        return [Record.of(record) for record in records_of(self.settings, topic, self.starts[topic.name])]

    def dead_letters(self) -> list[DeadLetter]:
        return [DeadLetter.parse(record.headers, record.value) for record in self.read(DEADLETTERS)]


@pytest.fixture
def bus(settings: Settings) -> Iterator[Bus]:
    create_topics(settings)
    reader = make_consumer(settings, None, ())
    starts = {
        topic.name: {tp.partition: end for tp, end in reader.end_offsets(partitions_of(reader, topic.name)).items()}
        for topic in CATALOGUE
    }
    reader.close()
    producer = make_producer(settings, "test")
    yield Bus(settings, producer, starts)
    producer.close()


class Running:
    """A consumer on its thread, as `polywire consume` runs it but for the signals."""

    def __init__(self, settings: Settings, handler: Handler, group: str) -> None:
        self.health = StageHealth(handler.stage)
        self._producer = make_producer(settings, "test-deadletters")
        source = KafkaSource(settings, group, handler.topics, auto_offset_reset="latest", session_timeout_ms=10_000)
        self.loop = ConsumerLoop(source, handler, kafka_dead_letters(self._producer), self.health)
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.loop.run()
        except BaseException as error:
            self.failure = error

    def stop(self) -> None:
        self.loop.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._producer.close()


Start = Callable[[Handler], Running]


@pytest.fixture
def start(settings: Settings, bus: Bus) -> Iterator[Start]:
    """Starts consumers in a group of the test's own, which begins where the topics ended before the test."""
    running: list[Running] = []
    group = group_of(settings.index_prefix)
    placer = make_consumer(settings, group, ())
    offsets = {
        TopicPartition(topic, partition): next_offset(end - 1)
        for topic, ends in bus.starts.items()
        for partition, end in ends.items()
    }
    placer.assign(list(offsets))
    placer.commit(offsets)
    placer.close(autocommit=False)

    def run(handler: Handler) -> Running:
        one = Running(settings, handler, group)
        running.append(one)
        eventually(f"{handler.stage} ready", lambda: one.health.report().ready)
        return one

    yield run
    for one in running:
        one.stop()
        assert one.failure is None, one.failure
