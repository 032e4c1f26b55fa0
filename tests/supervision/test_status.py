"""`polywire status` says what does not work, also where it is an engine or the feeds, and never hangs itself."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from consumers.alerter import Alerter
from consumers.index import ensure_indices
from consumers.indexer import Indexer
from consumers.notifier import Notifier
from polywire.supervision import status as status_module
from polywire.supervision.process import free_port
from polywire.supervision.stages import ALERTER, CLUSTER, ENRICH, INDEXER, NOTIFIER
from polywire.supervision.status import Status, as_table, collect
from polywire.supervision.supervisor import Supervisor
from runtime.bus.clients import create_topics
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings


@pytest.fixture(scope="module")
def ready(fresh_engine: Settings) -> Settings:
    create_topics(fresh_engine)
    with make_client(fresh_engine) as client:
        ensure_indices(client, fresh_engine.index_prefix)
    return fresh_engine


def run_of(name: str, port: int, group: str | None = None) -> dict[str, Any]:
    stage = {"name": name, "pid": 1, "metrics_port": port, "group": group, "restarts": 0, "last_error": None}
    return {"stages": [stage]}


def by_name(lines: list[Status]) -> dict[str, Status]:
    return {line.name: line for line in lines}


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.engine
def test_deliveries_that_wait_are_counted(ready: Settings) -> None:
    index = f"{ready.index_prefix}-deliveries"
    created = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    with make_client(ready) as client:
        for state in ("pending", "delivered", "pending"):
            client.index(index=index, document={"state": state, "created": created}, refresh=True)
        said = by_name(collect(ready, {"stages": []}))["Elasticsearch"].state
        assert said.endswith("2 deliveries wait, the oldest from 3 h ago")
        for hit in client.search(index=index)["hits"]["hits"]:
            client.delete(index=index, id=hit["_id"], refresh=True)


@pytest.mark.engine
def test_engines_that_answer_are_well_and_lag_is_shown_by_topic(ready: Settings) -> None:
    lines = by_name(collect(ready, run_of("cluster", free_port(), CLUSTER.group)))
    assert lines["Kafka"].well
    assert lines["Elasticsearch"].well
    assert "0 articles" in lines["Elasticsearch"].state
    assert lines["cluster"].lags == {"articles.analyzed": 0, "stories.corrections": 0}
    assert not lines["cluster"].well
    assert lines["cluster"].state == "no answer"


@pytest.mark.engine
@pytest.mark.parametrize(("engine", "setting"), [("Elasticsearch", "elasticsearch_url"), ("Kafka", "kafka_bootstrap")])
def test_an_engine_that_hangs_is_not_well_and_holds_up_nothing(
    ready: Settings, engine: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_module, "PATIENCE", 3.0)
    health = StageHealth("enrich")
    health.ready()
    port = free_port()
    health.serve("127.0.0.1", port)
    with silent_server() as address:
        where = f"http://{address}" if setting == "elasticsearch_url" else address
        lines = by_name(collect(ready.model_copy(update={setting: where}), run_of("enrich", port, ENRICH.group)))
    assert not lines.pop(engine).well
    assert all(line.well for line in lines.values())
    assert lines["enrich"].lag == (None if engine == "Kafka" else 0)


@pytest.mark.engine
@pytest.mark.parametrize(("failing", "well"), [(0, True), (1, True), (9, True), (10, False), (19, False)])
def test_feeds_that_are_dead_are_counted(ready: Settings, failing: int, well: bool) -> None:
    health = StageHealth("feeds")
    health.ready()
    health.failing(19, {f"https://feed-{n}.example/rss": "answers 404" for n in range(failing)})
    port = free_port()
    health.serve("127.0.0.1", port)
    feeds = by_name(collect(ready, run_of("feeds", port)))["feeds"]
    assert (feeds.alive, feeds.well, feeds.parts, feeds.parts_failing) == (True, well, 19, failing)
    assert (f"{failing} of 19 failing" in feeds.state) == (failing > 0)
    assert as_table([feeds]).row_count == 1


@pytest.mark.engine
def test_the_lag_of_every_topic_that_a_stage_reads_is_known(ready: Settings, tmp_path: Path) -> None:
    for spec, handler in ((INDEXER, Indexer), (ALERTER, Alerter), (NOTIFIER, Notifier)):
        assert spec.topics == handler.topics
    settings = ready.model_copy(update={"state_dir": tmp_path})
    for spec in (CLUSTER, ENRICH):
        stage = import_module(f"streams.apps.{spec.name}").make_stage(settings)
        assert {topic.name for topic in spec.topics} == set(stage._ways)


def test_each_topic_stands_with_its_lag_at_every_width(tmp_path: Path) -> None:
    settings = Settings(engines="embedded", state_dir=tmp_path)
    with Supervisor(settings, (INDEXER,), lambda *_: None) as supervisor:
        supervisor.start()
        for columns in ("60", "80", None):  # None: a pipe that says nothing of a width
            environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
            environment |= {"POLYWIRE_STATE_DIR": str(tmp_path)} | ({"COLUMNS": columns} if columns else {})
            command = [sys.executable, "-m", "polywire", "status"]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
            rows = [line.split() for line in said.stdout.splitlines()]
            for topic in INDEXER.topics:
                assert [topic.name, "0"] in rows
            assert "…" not in said.stdout
            assert {"lag", "rate/s", "handled", "rejected", "restarts"} <= set(rows[1])


def test_an_error_is_shown_with_its_age(tmp_path: Path) -> None:
    settings = Settings(engines="embedded", state_dir=tmp_path)
    with Supervisor(settings, (NOTIFIER,), lambda *_: None) as supervisor:
        supervisor.start()
        (stage,) = supervisor.processes
        assert stage.pid is not None
        os.kill(stage.pid, signal.SIGKILL)
        while stage.last_error is None:
            supervisor.watch()
        said = subprocess.run(
            [sys.executable, "-m", "polywire", "status"], env={**os.environ, "POLYWIRE_STATE_DIR": str(tmp_path)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert re.search(r"^notifier: last error, \d+ (s|min) ago: killed by SIGKILL$", said.stdout, re.MULTILINE)


def test_a_frozen_engine_is_told_by_the_exit_status(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "polywire", "status", "--json"]
    environment = {**os.environ, "POLYWIRE_STATE_DIR": str(tmp_path)}
    settings = Settings(engines="embedded", state_dir=tmp_path)
    with Supervisor(settings, (), lambda *_: None) as supervisor:
        supervisor.start()
        server = supervisor._engine._server  # type: ignore[attr-defined]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert [line["well"] for line in json.loads(done.stdout)] == [True, True]
        assert done.returncode == 0
        os.kill(server.pid, signal.SIGSTOP)
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert done.returncode == 1, done.stderr
        assert [line["state"] for line in json.loads(done.stdout)] == ["does not answer"] * 2
        assert "Traceback" not in done.stderr
