"""An address that takes connections and closes them at once is not stormed, by real clients of a real listener."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiokafka.client
import pytest
from kafka.net.manager import KafkaConnectionManager

from runtime.bus.clients import create_topics, make_admin, make_consumer, make_producer
from runtime.bus.reconnecting import LONGEST_PAUSE, Pauses
from runtime.bus.source import KafkaSource
from runtime.settings import Settings
from schemas.topics import ALERTS
from tests.consumers.conftest import eventually
from tests.kafka_proxy import KafkaProxy

SECONDS = 3.0
FEW = 15
"""Connections in that time: the pauses double from a tenth of a second. It was 100 to 1,000, and 40 a second for a
Faust stage."""


def test_pauses_grow_with_connections_that_do_not_live_and_begin_anew_after_one_that_did() -> None:
    pauses = Pauses()
    assert pauses.left("a", 0.0) == 0.0
    now, waited = 0.0, []
    for _ in range(12):
        pauses.closed("a", made=now, now=now)
        waited.append(pauses.left("a", now))
        now += waited[-1]
    assert waited[0] < 0.13
    assert waited[3] > 4 * waited[0]
    assert LONGEST_PAUSE * 0.8 <= waited[-1] <= LONGEST_PAUSE * 1.2
    assert sum(waited) > 20
    assert pauses.left("b", now) == 0.0
    pauses.closed("a", made=now, now=now + 60)
    assert pauses.left("a", now + 60) < 0.13


@pytest.fixture
def proxy(settings: Settings) -> Iterator[KafkaProxy]:
    create_topics(settings)
    proxy = KafkaProxy(settings.kafka_bootstrap)
    yield proxy
    proxy.close()


def produce(through: Settings) -> Callable[[], object]:
    producer = make_producer(through, "test", seconds=5)

    def send() -> None:
        producer.send(ALERTS.name, key=b"k", value=b"{}").get(5)

    send()
    return send


def consume(through: Settings) -> Callable[[], object]:
    consumer = make_consumer(through, None, [ALERTS])
    consumer.poll(timeout_ms=500)
    return lambda: consumer.poll(timeout_ms=500)


def consume_in_a_group(through: Settings) -> Callable[[], object]:
    source = KafkaSource(through, f"polywire-{through.index_prefix}", [ALERTS])
    eventually("a place in the group", lambda: source.poll(0.5) or source.ends() or source.came())
    return lambda: source.poll(0.5)


def administer(through: Settings) -> Callable[[], object]:
    return make_admin(through, patience=10).list_topics


def connections(proxy: KafkaProxy, act: Callable[[], object]) -> int:
    """How many are made while `act` is called without a pause and every connection is closed at once."""
    proxy.refuse = True
    proxy.cut()
    before, stop = proxy.connections, threading.Event()

    def loop() -> None:
        while not stop.is_set():
            with contextlib.suppress(Exception):
                act()

    threading.Thread(target=loop, daemon=True).start()
    time.sleep(SECONDS)
    made = proxy.connections - before
    stop.set()
    return made


CLIENTS = pytest.mark.parametrize("begin", [produce, consume, consume_in_a_group, administer])


@pytest.mark.engine
@CLIENTS
def test_clients_of_kafka_python_pause(
    settings: Settings, proxy: KafkaProxy, begin: Callable[[Settings], Callable[[], object]]
) -> None:
    act = begin(settings.model_copy(update={"kafka_bootstrap": proxy.bootstrap}))
    assert connections(proxy, act) <= FEW
    proxy.refuse = False
    eventually("it works again", lambda: _works(act), 60)


def _works(act: Callable[[], object]) -> bool:
    with contextlib.suppress(Exception):
        act()
        return True
    return False


@pytest.mark.engine
def test_a_faust_stage_pauses(settings: Settings, proxy: KafkaProxy, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "POLYWIRE_KAFKA_BOOTSTRAP": proxy.bootstrap,
        "POLYWIRE_ELASTICSEARCH_URL": settings.elasticsearch_url,
        "POLYWIRE_STATE_DIR": str(tmp_path),
    }
    stage = subprocess.Popen(
        [sys.executable, "-m", "polywire", "stream", "cluster"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        admin = make_admin(settings)
        group = "polywire-cluster"
        eventually("a member", lambda: admin.describe_groups([group])[group]["members"], 90)
        admin.close()
        assert connections(proxy, lambda: time.sleep(0.1)) <= FEW
        assert stage.poll() is None
    finally:
        stage.kill()
        stage.wait()


@pytest.mark.engine
@pytest.mark.parametrize("begin", [produce, administer])
def test_kafka_python_still_needs_it(
    settings: Settings,
    proxy: KafkaProxy,
    begin: Callable[[Settings], Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fails when a new version pauses by itself: then ours is to go."""
    patched: Any = KafkaConnectionManager.get_connection
    monkeypatch.setattr(KafkaConnectionManager, "get_connection", patched.__wrapped__)
    act = begin(settings.model_copy(update={"kafka_bootstrap": proxy.bootstrap}))
    assert connections(proxy, act) > FEW


@pytest.mark.engine
@pytest.mark.parametrize("ours", [True, False])
async def test_aiokafka_still_needs_it(
    settings: Settings, proxy: KafkaProxy, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a new version pauses by itself: then ours is to go."""
    if not ours:
        create: Any = aiokafka.client.create_conn
        monkeypatch.setattr(aiokafka.client, "create_conn", create.__wrapped__)
    client = aiokafka.client.AIOKafkaClient(bootstrap_servers=proxy.bootstrap, client_id="test")
    await client.bootstrap()
    proxy.refuse = True
    proxy.cut()
    before, until = proxy.connections, time.monotonic() + SECONDS
    node = next(iter(client.cluster.brokers())).nodeId
    while time.monotonic() < until:
        await client.ready(node)
        await asyncio.sleep(0.01)
    made = proxy.connections - before
    await client.close()
    assert (made <= FEW) is ours
