"""The engines start, answer through their real protocols, keep what they promise to keep, and leave nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from elasticsearch import Elasticsearch
from kafka import TopicPartition

from polywire.engines import Engine, embedded, make_engine
from polywire.engines.base import EngineAddresses, free_ports, listens, tail
from polywire.engines.embedded import EmbeddedEngine
from polywire.engines.jvm import JvmEngine
from polywire.engines.jvm.folders import claim, discard, elastic_folder, runs_as_root
from runtime.bus.clients import create_topics, group_lag, make_consumer, make_producer, next_offset, publish
from runtime.elastic import make_client
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import CATALOGUE, MAX_MESSAGE_BYTES, RAW
from tests.consumers.proxy import FaultyProxy

NAMES = ["embedded", pytest.param("jvm", marks=pytest.mark.jvm)]
Start = Callable[[str], tuple[Engine, Settings]]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder with everything in its name that a path may hold."""
    folder = tmp_path / "état, = # 東京"
    yield folder
    discard(folder)


@pytest.fixture
def start(state: Path, request: pytest.FixtureRequest) -> Start:
    def run(name: str) -> tuple[Engine, Settings]:
        base = Settings(engines=name, state_dir=state)
        engine = make_engine(name, base)
        addresses = engine.start()
        request.addfinalizer(engine.stop)
        return engine, at(base, addresses)

    return run


def at(settings: Settings, addresses: EngineAddresses) -> Settings:
    return settings.model_copy(
        update={
            "kafka_bootstrap": addresses.kafka_bootstrap,
            "elasticsearch_url": addresses.elasticsearch_url,
        }
    )


def article(number: int, text: str = "x") -> RawArticle:
    return RawArticle.model_validate(
        {"id": f"engine-{number:06d}", "source": "t", "text": text, "collected": "2026-01-01T00:00:00Z"}
    )


def put(settings: Settings, numbers: range) -> None:
    producer = make_producer(settings, "test")
    futures = [publish(producer, RAW, article(n).id, article(n)) for n in numbers]
    for future in futures:
        future.get(timeout=30)
    producer.close()


def ids_on_topic(settings: Settings) -> set[bytes]:
    consumer = make_consumer(settings, None, (RAW,), consumer_timeout_ms=4_000)
    found = {record.key for record in consumer}
    consumer.close()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_starts_answers_and_leaves_nothing_behind(start: Start, name: str) -> None:
    engine, settings = start(name)
    assert engine.why_not_alive() is None
    assert set(create_topics(settings)) == {t.name for t in CATALOGUE}
    assert create_topics(settings) == []
    with Elasticsearch(settings.elasticsearch_url) as es:
        es.index(index="t", id="1", document={"a": 1}, refresh=True)
        assert es.count(index="t")["count"] == 1
    engine.stop()
    assert engine.why_not_alive() is not None
    for address in (settings.kafka_bootstrap, settings.elasticsearch_url.removeprefix("http://")):
        host, port = address.split(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0, f"{address} still answers"


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_message_goes_through(start: Start, name: str) -> None:
    _, settings = start(name)
    create_topics(settings)
    producer = make_producer(settings, "test")
    value = b"x" * (MAX_MESSAGE_BYTES - 2_000)
    producer.send(RAW.name, key=b"large", value=value).get(timeout=60)
    producer.close()
    consumer = make_consumer(settings, None, (RAW,), consumer_timeout_ms=20_000)
    assert len(next(iter(consumer)).value) == len(value)
    consumer.close()


@pytest.mark.parametrize("name", NAMES)
def test_lag_counts_what_waits_for_a_group(start: Start, name: str) -> None:
    _, settings = start(name)
    create_topics(settings)
    put(settings, range(20))
    assert group_lag(settings, {"polywire-none": (RAW,)}) == {"polywire-none": {RAW.name: 20}}
    consumer = make_consumer(settings, "polywire-some", (RAW,), consumer_timeout_ms=10_000)
    for number, record in enumerate(consumer):
        consumer.commit({TopicPartition(record.topic, record.partition): next_offset(record.offset)})
        if number == 19:
            break
    consumer.close()
    assert group_lag(settings, {"polywire-some": (RAW,)}) == {"polywire-some": {RAW.name: 0}}


@pytest.mark.parametrize("name", NAMES)
def test_a_stop_in_order_keeps_everything(start: Start, name: str) -> None:
    engine, settings = start(name)
    create_topics(settings)
    put(settings, range(50))
    with Elasticsearch(settings.elasticsearch_url) as es:
        es.index(index="kept", id="1", document={"a": 1}, refresh=True)
    engine.stop()
    _, again = start(name)
    assert len(ids_on_topic(again)) == 50
    with Elasticsearch(again.elasticsearch_url) as es:
        assert es.get(index="kept", id="1")["_source"] == {"a": 1}


@pytest.mark.jvm
def test_kafka_killed_loses_no_acknowledged_message(start: Start) -> None:
    engine, settings = start("jvm")
    assert isinstance(engine, JvmEngine)
    create_topics(settings)
    put(settings, range(2_000))
    pid = engine.kafka.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    engine.stop()
    _, again = start("jvm")
    assert len(ids_on_topic(again)) == 2_000


def test_a_taken_port_is_told_of(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(UserError, match=f"port {port} is taken"):
            EmbeddedEngine(Settings(state_dir=tmp_path), kafka_port=port).start()


def test_a_server_that_dies_is_told_of(start: Start) -> None:
    engine, _ = start("embedded")
    assert isinstance(engine, EmbeddedEngine)
    pid = engine._server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while engine.why_not_alive() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "killed by SIGKILL" in (engine.why_not_alive() or "")


def test_external_says_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("polywire.engines.external.PATIENCE", 1.0)
    (port,) = free_ports(1)
    settings = Settings(engines="external", state_dir=tmp_path, kafka_bootstrap=f"127.0.0.1:{port}")
    with pytest.raises(UserError, match=r"no Kafka at .*POLYWIRE_KAFKA_BOOTSTRAP"):
        make_engine("external", settings).start()


def test_external_waits_for_what_is_not_there_yet(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    _, settings = start("embedded")
    proxy = FaultyProxy(settings.elasticsearch_url)
    proxy.status = 503
    with ThreadPoolExecutor() as waiting:
        started = waiting.submit(
            make_engine("external", settings.model_copy(update={"elasticsearch_url": proxy.url})).start
        )
        deadline = time.monotonic() + 60
        told = ""
        while "waiting up to" not in (told := told + capsys.readouterr().out):
            assert time.monotonic() < deadline
            assert not started.done()
            time.sleep(0.05)
        assert f"Elasticsearch at {proxy.url}" in told
        proxy.status = None
        assert started.result(60).elasticsearch_url == proxy.url
    proxy.close()


def test_external_does_not_wait_where_it_is_not_let_in(start: Start) -> None:
    _, settings = start("embedded")
    proxy = FaultyProxy(settings.elasticsearch_url)
    proxy.status = 401
    with pytest.raises(UserError, match="does not let us in"):
        make_engine("external", settings.model_copy(update={"elasticsearch_url": proxy.url})).start()
    proxy.close()


def test_external_takes_what_answers(start: Start) -> None:
    _, settings = start("embedded")
    addresses = make_engine("external", settings).start()
    assert at(settings, addresses) == settings


@pytest.mark.parametrize("name", NAMES)
def test_a_proxy_in_the_environment_is_not_asked_for_an_engine_here(start: Start, name: str, dead_proxy: None) -> None:
    _, settings = start(name)
    with make_client(settings) as client:
        assert client.cluster.health()["status"] in {"green", "yellow"}


def test_a_second_engine_on_the_same_folder_is_refused(start: Start) -> None:
    engine, settings = start("embedded")
    with pytest.raises(UserError, match="already runs on"):
        make_engine("embedded", settings).start()
    engine.stop()
    start("embedded")


STARTER = """
import sys, time
from pathlib import Path
from polywire.engines import make_engine
from runtime.settings import Settings
make_engine(sys.argv[1], Settings(engines=sys.argv[1], state_dir=Path(sys.argv[2]))).start()
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, whose kernel tells a child of its parent's death")
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_when_the_starter_is_killed(state: Path, name: str) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, name, str(state)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout as told:
        assert "up\n" in iter(told.readline, "")
        servers = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
        starter.wait()
    assert len(servers) == {"embedded": 1, "jvm": 3}[name]
    _, alive = psutil.wait_procs(servers, timeout=30)
    assert alive == []


def test_the_embedded_engine_of_a_killed_run_is_ended(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = state / "embedded"
    data.mkdir(parents=True)
    kafka, elastic = free_ports(2)
    left = subprocess.Popen(
        [
            str(embedded._binary()), "start", "--data-dir", str(data), "--host", "127.0.0.1",
            "--only", "kafka,elasticsearch", "--kafka-port", str(kafka), "--elasticsearch-port", str(elastic),
        ]
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while not listens(kafka):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        engine = EmbeddedEngine(Settings(engines="embedded", state_dir=state))
        with socket.create_connection(("127.0.0.1", kafka)):
            # Waited for here, as init waits for what has lost its parent.
            threading.Thread(target=left.wait, daemon=True).start()
            engine.start()
        engine.stop()
        assert f"pid {left.pid}" in capsys.readouterr().out
        assert left.wait(5) is not None
    finally:
        if left.poll() is None:
            left.kill()


def test_an_engines_last_words_are_without_noise(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "x: /lib/libc.so.6: weak version `GLIBC_2.39' not found (required by x)\nport taken\npress Ctrl-C to stop\n"
    )
    assert tail(log) == "port taken"


@pytest.mark.jvm
@pytest.mark.skipif(not runs_as_root(), reason="only root keeps Elasticsearch's state outside of the state folder")
def test_what_a_state_folder_that_is_gone_has_left_is_removed(tmp_path: Path) -> None:
    kept, gone, wiped = (tmp_path / name for name in ("kept", "gone", "wiped"))
    outside = {state: elastic_folder(state) for state in (kept, gone, wiped)}
    try:
        for state, folder in outside.items():
            claim(state / "jvm", folder)
            (folder / "data").mkdir()
        shutil.rmtree(gone)
        shutil.rmtree(wiped / "jvm")
        claim(kept / "jvm", outside[kept])
        assert {state: folder.exists() for state, folder in outside.items()} == {kept: True, gone: False, wiped: False}
        assert (outside[kept] / "data").exists()
        # A volume that is not mounted looks as if all on it were gone.
        (outside[kept] / "polywire-owner.json").write_text(json.dumps({"keeper": str(gone / "jvm"), "device": -1}))
        claim(wiped / "jvm", outside[wiped])
        assert outside[kept].exists()
    finally:
        for state in outside:
            discard(state)


@pytest.mark.jvm
def test_what_the_jvm_engines_keep_is_not_for_all_to_read(start: Start, state: Path) -> None:
    start("jvm")
    for folder in (state / "jvm" / "kafka", elastic_folder(state), state / "logs"):
        assert folder.stat().st_mode & 0o077 == 0, folder


@pytest.mark.jvm
def test_a_signal_is_seen_while_the_engines_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "polywire", "up", "--engines", "jvm"]
    environment = {**os.environ, "POLYWIRE_STATE_DIR": str(tmp_path), "POLYWIRE_WEB_PORT": str(free_ports(1)[0])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as starting:
        assert starting.stdout
        # So that Kafka is seen before it can be up.
        while not (servers := psutil.Process(starting.pid).children(recursive=True)):
            assert starting.poll() is None
            time.sleep(0.02)
        starting.terminate()
        said = starting.communicate(timeout=120)[0]
        assert starting.returncode == 0
    discard(tmp_path)
    assert "stopping before everything was up" in said
    assert "polywire is up" not in said
    assert psutil.wait_procs(servers, timeout=60)[1] == []
