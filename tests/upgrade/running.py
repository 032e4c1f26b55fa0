"""A polywire under a supervisor of ours, over engines that are there or its own, and what a test asks of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from polywire.engines.base import tail
from polywire.supervision.process import StageProcess
from polywire.supervision.stages import BACKBONE, FEEDS
from polywire.supervision.supervisor import Supervisor
from runtime.bus.clients import group_lag
from runtime.bus.groups import GROUPS
from runtime.elastic import make_client
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, CORRECTIONS
from tests.outside import Outside
from tests.upgrade.scenario import body

T = TypeVar("T")
PATIENCE = 200.0
PORT = 28417
"""Of the outside world: always the same, because what was kept names it. Below the ports that a system hands out."""


class Running:
    """Stages that are up, ready, and not started again by anybody when they end."""

    def __init__(self, supervisor: Supervisor, environment: dict[str, str]) -> None:
        self._environment = environment
        self.supervisor = supervisor
        self.settings = supervisor.settings

    def process(self, name: str) -> StageProcess:
        return next(p for p in self.supervisor.processes if p.name == name)

    def kill(self, *names: str) -> None:
        """-9, without a goodbye."""
        for name in names:
            pid = self.process(name).pid
            assert pid is not None, f"{name} is not running"
            os.kill(pid, signal.SIGKILL)
            self.process(name).wait(10)

    def push(self, articles: Iterable[RawArticle]) -> None:
        """By POST /articles."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.settings.web_port}/articles", json=[body(a) for a in articles], timeout=60
        )
        assert answer.status_code == 202, answer.text

    def run(self, *arguments: str) -> str:
        """A command of polywire; what it prints."""
        environment = {**os.environ, **self._environment, "POLYWIRE_STATE_DIR": str(self.settings.state_dir)}
        command = [sys.executable, "-m", "polywire", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def documents(self, kind: str) -> dict[str, dict[str, Any]]:
        """All documents of an index, by id."""
        index = f"{self.settings.index_prefix}-{kind}"
        with make_client(self.settings) as es:
            es.indices.refresh(index=index)
            hits = es.search(index=index, size=5_000, query={"match_all": {}})["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def stories(self, ids: Iterable[str]) -> dict[str, str] | None:
        """The story of each article, once all are in the index."""
        found = self.documents("articles")
        wanted = set(ids)
        return {key: found[key]["story_id"] for key in wanted} if wanted <= found.keys() else None

    def waiting(self) -> dict[str, dict[str, int]]:
        """Messages that wait for each group, by topic, where any do."""
        lag = group_lag(self.settings, {**GROUPS, "polywire-cluster": (ANALYZED, CORRECTIONS)})
        counts = {group: {topic: n for topic, n in topics.items() if n} for group, topics in lag.items()}
        return {group: topics for group, topics in counts.items() if topics}

    def until(self, what: str, look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
        """The first answer of `look` that is not None or False; fails when there is none in time, and explains."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found is not None and found is not False:
                return found
            time.sleep(0.3)
        health = "\n".join(f"{p.name}: {p.health()} {tail(p.log_file)}" for p in self.supervisor.processes)
        raise AssertionError(f"waited {seconds:.0f} s in vain for: {what}\nwaiting: {self.waiting()}\n{health}")

    def settle(self) -> None:
        """Until nothing waits for anybody."""
        self.until("everything handled", lambda: not self.waiting())
        self.until(
            "everything delivered",
            lambda: all(doc["state"] == "delivered" for doc in self.documents("deliveries").values()),
        )


@contextmanager
def up(settings: Settings, outside: Outside) -> Iterator[Running]:
    """Started, and stopped in the end with all that belongs to it."""
    supervisor = Supervisor(settings, (*BACKBONE, FEEDS), lambda *_: None, environment=outside.environment)
    with supervisor:
        supervisor.start()
        running = Running(supervisor, outside.environment)
        for process in supervisor.processes:
            running.until(f"{process.name} ready", lambda p=process: (p.health() or {}).get("ready"))
        yield running
