"""Stages as processes of their own, on a real broker, and what came of what they were given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from runtime.bus.clients import create_topics, expel, make_producer, publish
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle, ClusteredArticle, Decision
from schemas.base import Message
from schemas.codec import decode
from schemas.topics import Topic
from tests.bus import records_of

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


class Worker:
    """One process of a stage. Its log is `log`."""

    def __init__(self, settings: Settings, folder: Path, stage: str, *odd: str) -> None:
        self._settings, self._stage = settings, stage
        self.log = folder / f"{stage}-{time.monotonic_ns()}.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("POLYWIRE_")},
            "POLYWIRE_ENGINES": settings.engines,
            "POLYWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "POLYWIRE_STATE_DIR": str(folder / self.log.stem),
            "POLYWIRE_METRICS_PORT": "0",
        }
        command = [sys.executable, "-m", "tests.apps.odd", stage, *odd]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)

    def dies(self) -> int:
        """Waits for its end by itself, gives up its place in the group for it as the supervisor does, says how."""
        status = self.process.wait(PATIENCE)
        expel(self._settings, f"polywire-{self._stage}", self.process.pid)
        return status

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def frozen(self) -> bool:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def end(self) -> int:
        """Ends as it is asked to, and says how."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGUSR1)  # the worker writes where it hangs
            time.sleep(2.0)
            pytest.fail(f"does not end:\n{self.log.read_text()[-20_000:]}")
        finally:
            self.process.kill()


@contextmanager
def working(settings: Settings, folder: Path, stage: str, *odd: str) -> Iterator[Worker]:
    worker = Worker(settings, folder, stage, *odd)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def eventually(what: str, look: Callable[[], T], *workers: Worker) -> T:
    """The first answer of `look` that is true; fails when there is none in time, with the workers' logs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    logs = "\n".join(worker.log.read_text()[-4_000:] for worker in workers)
    pytest.fail(f"waited {PATIENCE:.0f} s in vain for: {what}\n{logs}")


def put(settings: Settings, topic: Topic, messages: Sequence[Message], key: Callable[[Any], str]) -> None:
    """On the topic, acknowledged."""
    create_topics(settings)
    producer = make_producer(settings, "test")
    for future in [publish(producer, topic, key(one), one) for one in messages]:
        future.get(60)
    producer.close()


def messages_of(settings: Settings, topic: Topic) -> list[Any]:
    """What is on the topic now."""
    assert topic.model is not None
    return [decode(topic.model, record.value) for record in records_of(settings, topic)]


def analyzed(*names: str) -> list[AnalyzedArticle]:
    """Articles that have nothing in common, a minute apart."""
    random = np.random.default_rng(5)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    articles = []
    for number, name in enumerate(names):
        vector = random.normal(size=384)
        articles.append(
            AnalyzedArticle(
                id=name, source="t", title=f"Report {name}", collected=at + timedelta(minutes=number), language="en",
                language_confidence=0.9, embedding=(vector / np.linalg.norm(vector)).round(5).tolist(),
            )
        )  # fmt: skip
    return articles


def clustered(*names: str) -> list[ClusteredArticle]:
    """The same, each in a story of its own."""
    decision = Decision(new_story=True, candidates=0)
    return [
        ClusteredArticle(**dict(one), story_id=f"s-{one.id}", decision=decision, version=1) for one in analyzed(*names)
    ]
