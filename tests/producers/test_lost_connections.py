"""A connection that is lost with messages in flight: whoever produces with kafka-python writes again at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from kafka.errors import KafkaError

from producers.publisher import NotAcknowledged, Publisher
from producers.push import make_router
from runtime.bus.clients import create_topics, make_producer, publish
from runtime.bus.deadletters import DeadLetter, kafka_dead_letters
from runtime.health import StageHealth
from runtime.settings import Settings
from schemas.topics import ALERTS
from tests.bus import records_of
from tests.consumers.make import alert
from tests.kafka_proxy import KafkaProxy
from tests.producers.test_on_kafka import article

pytestmark = pytest.mark.engine

SECONDS = 1.0


@pytest.fixture
def proxy(settings: Settings) -> Iterator[KafkaProxy]:
    create_topics(settings)
    proxy = KafkaProxy(settings.kafka_bootstrap)
    yield proxy
    proxy.close()


@pytest.fixture
def through(settings: Settings, proxy: KafkaProxy) -> Settings:
    return settings.model_copy(update={"kafka_bootstrap": proxy.bootstrap})


def lose(proxy: KafkaProxy, sends: list[Callable[[], object]]) -> list[BaseException]:
    """Call all at once on a line that carries nothing and is then cut; returns what they raise."""
    raised: list[BaseException] = []

    def call(send: Callable[[], object]) -> None:
        try:
            send()
        except (KafkaError, NotAcknowledged) as error:
            raised.append(error)

    proxy.swallow = True
    threads = [threading.Thread(target=call, args=(send,)) for send in sends]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS / 5)
    proxy.cut()
    for thread in threads:
        thread.join()
    proxy.swallow = False
    return raised


def test_articles_are_published_again_after_a_connection_was_lost_in_the_middle(
    through: Settings, proxy: KafkaProxy
) -> None:
    health = StageHealth("test")
    with Publisher.open(through, "test", timeout=SECONDS, health=health) as publisher:
        publisher.publish([article("lost", "before")])
        batches = [[article("lost", f"{n}-{i}") for i in range(20)] for n in range(4)]
        raised = lose(proxy, [lambda batch=batch: publisher.publish(batch) for batch in batches])
        assert len(raised) == 4
        publisher.publish([article("lost", "after")])
    assert health.report().retries == 4
    assert health.report().last_error


def test_pushed_articles_are_taken_again_and_the_failed_ones_count(through: Settings, proxy: KafkaProxy) -> None:
    health = StageHealth("web")
    app = FastAPI()

    async def push(name: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://p.example") as client:
            return (await client.post("/articles", json={"title": name}, timeout=30)).status_code

    def pushed(name: str) -> int:
        return asyncio.run(push(name))

    with Publisher.open(through, "test", timeout=SECONDS, health=health) as publisher:
        app.include_router(make_router(publisher))
        assert pushed("before") == 202
        answers: list[int] = []
        lose(proxy, [lambda: answers.append(pushed("during"))])
        assert answers == [503]
        assert health.report().retries == 1
        assert pushed("after") == 202


def test_dead_letters_and_alerts_are_written_again(through: Settings, settings: Settings, proxy: KafkaProxy) -> None:
    """One producer does for both, as in the alerter and in the loop of every consumer."""
    producer = make_producer(through, "test", seconds=SECONDS)
    write = kafka_dead_letters(producer)
    letter = DeadLetter("test", "r", "t", 0, 1, b"k", b"v", datetime.now(UTC))
    write(letter)
    one = alert(f"lost-{settings.index_prefix}")
    sends: list[Callable[[], object]] = [
        lambda: publish(producer, ALERTS, one.subscription_id, one).get(30),
        lambda: write(letter),
    ]
    assert len(lose(proxy, sends * 2)) == 4
    for send in sends:
        send()
    producer.close()
    assert one.subscription_id in {record.key.decode() for record in records_of(settings, ALERTS)}


def test_what_was_replaced_ends_by_itself(through: Settings, proxy: KafkaProxy) -> None:
    before = set(threading.enumerate())
    with Publisher.open(through, "test", timeout=SECONDS) as publisher:
        for _ in range(3):
            publisher.publish([article("lost", "before")])
            assert lose(proxy, [lambda: publisher.publish([article("lost", "during")])])
        publisher.publish([article("lost", "after")])
        assert any(_is_clients(thread) for thread in set(threading.enumerate()) - before)
    deadline = time.monotonic() + 30
    while left := [t for t in threading.enumerate() if t not in before and _is_clients(t)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _is_clients(thread: threading.Thread) -> bool:
    return type(thread).__module__.startswith("kafka.") or thread.name.startswith(("kafka", "abandoned"))
