"""A whole polywire on real engines: every stage its own process, as `polywire up` starts it.

`--engines embedded|jvm` chooses the engines; the tests are the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaProducer

from polywire.engines.jvm.folders import discard
from polywire.supervision.process import StageProcess, free_port
from polywire.supervision.stages import BACKBONE
from polywire.supervision.supervisor import Supervisor
from runtime.bus.clients import group_lag, make_producer, publish
from runtime.bus.groups import GROUPS
from runtime.elastic import make_client
from runtime.settings import Settings
from schemas.alerts import Subscription
from schemas.articles import RawArticle
from schemas.topics import RAW, SUBSCRIPTIONS, Topic
from streams.embedding import build_model
from tests.bus import records_of

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 180.0
_running: list[Polywire] = []


def eventually(
    what: str, look: Callable[[], T | None], seconds: float = PATIENCE, explain: Callable[[], str] = str
) -> T:
    """The first answer of `look` that is not None or False; fails when there is none in time, and then explains."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.3)
    states = "\n".join(line for each in _running for line in each.states())
    pytest.fail(f"waited {seconds:.0f} s in vain for: {what}\n{explain()}\n{states}")


@dataclass
class Polywire:
    """A running polywire and the clients to talk to it, none of them its own code's."""

    supervisor: Supervisor
    settings: Settings
    es: Elasticsearch
    producer: KafkaProducer
    told: list[str]

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.settings.web_port}"

    def process(self, name: str) -> StageProcess:
        return next(p for p in self.supervisor.processes if p.name == name)

    def states(self) -> list[str]:
        """How each stage is, for the report of a failure."""
        return [f"{p.name}: {p.health()}" for p in self.supervisor.processes] + [str(group_lag(self.settings, GROUPS))]

    def put(self, articles: list[RawArticle]) -> None:
        """On articles.raw, acknowledged."""
        futures = [publish(self.producer, RAW, article.id, article) for article in articles]
        for future in futures:
            future.get(timeout=60)

    def subscribe(self, name: str, query: str) -> None:
        """Acknowledged, and so known to the alerter for every article from now on."""
        subscription = Subscription(id=name, name=name, query=query, created=datetime.now(UTC))
        publish(self.producer, SUBSCRIPTIONS, name, subscription).get(timeout=60)

    def read(self, topic: Topic) -> list[Any]:
        """Everything on a topic until now."""
        return records_of(self.settings, topic)

    def documents(self, kind: str) -> dict[str, dict[str, Any]]:
        """All documents of an index, by id."""
        index = f"{self.settings.index_prefix}-{kind}"
        self.es.indices.refresh(index=index)
        answer = self.es.search(index=index, size=5_000, query={"match_all": {}})
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def article_documents(self, ids: set[str]) -> dict[str, dict[str, Any]]:
        return {key: doc for key, doc in self.documents("articles").items() if key in ids}


@contextmanager
def watched(supervisor: Supervisor) -> Iterator[None]:
    """What dies is started again; at the end of the block no longer, also where it ends by a failure."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.3):
            supervisor.watch()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


@pytest.fixture(scope="module")
def polywire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polywire]:
    engines = request.config.getoption("--engines")
    base = Settings()
    build_model(base.cache_dir, None)
    settings = Settings(
        engines=engines,
        state_dir=tmp_path_factory.mktemp("polywire"),
        cache_dir=base.cache_dir,
        web_port=free_port(),
        index_prefix="polywire",
    )
    told: list[str] = []
    with Supervisor(settings, BACKBONE, lambda who, what: told.append(f"{who}: {what}")) as supervisor:
        supervisor.start()
        producer = make_producer(supervisor.settings, "e2e")
        with watched(supervisor), make_client(supervisor.settings) as es:
            running = Polywire(supervisor, supervisor.settings, es, producer, told)
            _running.append(running)
            for process in supervisor.processes:
                eventually(f"{process.name} ready", lambda p=process: (p.health() or {}).get("ready"))
            eventually("the web page", lambda: _answers(running.web))
            yield running
        producer.close()
    _running.clear()
    if engines == "jvm":
        discard(settings.state_dir)
    left = [p.name for p in supervisor.processes if p.pid is not None]
    assert not left, f"still running after stop: {left}"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code < 500
    except httpx.HTTPError:
        return False
