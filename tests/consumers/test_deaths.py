"""Messages that end their process, and limits of dead letters: counted by a real broker, across real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import TopicPartition
from typer.testing import CliRunner

from polywire.commands.deadletters import app
from runtime.bus.clients import expel, group_lag, make_consumer, next_offset
from runtime.bus.groups import group_of
from runtime.bus.marks import Mark
from runtime.settings import Settings
from schemas.topics import ALERTS
from tests.consumers.conftest import Bus, eventually
from tests.consumers.make import alert
from tests.faults.proxies import Line

pytestmark = pytest.mark.engine


class Stage:
    """A consumer's processes, one after the other, each with a state folder of its own."""

    def __init__(self, settings: Settings, bus: Bus, folder: Path) -> None:
        self.settings, self.folder, self.name = settings, folder, settings.index_prefix
        self.elasticsearch = settings.elasticsearch_url
        self.processes: list[subprocess.Popen[str]] = []
        self.partitions = [TopicPartition(ALERTS.name, p) for p in bus.starts[ALERTS.name]]
        placer = make_consumer(settings, group_of(self.name), ())
        placer.assign(self.partitions)
        placer.commit({tp: next_offset(bus.starts[ALERTS.name][tp.partition] - 1) for tp in self.partitions})
        placer.close(autocommit=False)

    def start(self) -> subprocess.Popen[str]:
        for before in self.processes:
            # As the supervisor does; the embedded engine would wait for ever for the dead.
            expel(self.settings, group_of(self.name), before.pid)
        environment = {
            **os.environ,
            "POLYWIRE_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "POLYWIRE_ELASTICSEARCH_URL": self.elasticsearch,
            "POLYWIRE_STATE_DIR": str(self.folder / str(len(self.processes))),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.consumers.deadly", self.name],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def marks(self) -> list[Mark]:
        reader = make_consumer(self.settings, group_of(self.name), ())
        found = [reader.committed(tp, metadata=True) for tp in self.partitions]
        reader.close(autocommit=False)
        return [Mark.decode(one.metadata) for one in found if one]

    def lag(self) -> int:
        return group_lag(self.settings, {group_of(self.name): [ALERTS]})[group_of(self.name)][ALERTS.name]


def did(output: str) -> set[str]:
    return {line.removeprefix("did ") for line in output.splitlines() if line.startswith("did ")}


@pytest.fixture
def stage(settings: Settings, bus: Bus, tmp_path: Path):  # type: ignore[no-untyped-def]
    one = Stage(settings, bus, tmp_path)
    yield one
    for process in one.processes:
        process.kill()
        process.communicate()


def test_a_message_that_ends_its_process_is_put_aside_after_three_deaths(stage: Stage, bus: Bus) -> None:
    for name in ("a", "b", "deadly", "c", "d"):
        bus.put(ALERTS, "one", alert("one", name))
    bus.put(ALERTS, "two", *(alert("two", f"other{n}") for n in range(5)))
    for _ in range(3):
        assert stage.start().wait(90) == 9
    last = stage.start()
    eventually("the rest", lambda: stage.lag() == 0, 90)
    last.terminate()
    out, _ = last.communicate(timeout=60)
    assert last.returncode == 0
    seen = did(out).union(*(did(process.communicate()[0]) for process in stage.processes[:3]))
    assert seen == {"a", "b", "c", "d", *(f"other{n}" for n in range(5))}
    (letter,) = bus.dead_letters()
    assert letter.reason == "it ended the process 3 times while it was in hand"
    assert b'"deadly"' in (letter.value or b"")
    assert not any(mark.open or mark.tries for mark in stage.marks())


def test_a_message_that_waits_for_elasticsearch_is_not_to_blame_for_what_is_done_to_its_process(
    stage: Stage, bus: Bus, settings: Settings
) -> None:
    line = Line(int(settings.elasticsearch_url.rpartition(":")[2]))
    line.goes("hang")
    stage.elasticsearch = f"http://127.0.0.1:{line.port}"
    bus.put(ALERTS, "one", *(alert("one", name) for name in ("a", "asks", "b")))
    stage.start()
    eventually("a process that has them in hand", lambda: any(mark.open for mark in stage.marks()), 60)
    stage.processes[-1].kill()
    for _ in range(3):
        stage.start()
        eventually("a try on record", lambda: any(mark.tries for mark in stage.marks()), 60)
        # Long before Elasticsearch's client gives up by itself.
        eventually("off the record", lambda: not any(mark.tries for mark in stage.marks()), 15)
        stage.processes[-1].kill()
    line.goes("pass")
    stage.start()
    eventually("the rest", lambda: stage.lag() == 0, 90)
    line.close()
    assert bus.dead_letters() == []


def test_a_limit_stops_it_for_good_until_a_person_says_resume(
    stage: Stage, bus: Bus, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    for name in ("a", *["wrong"] * 7, "b"):
        bus.put(ALERTS, "one", alert("one", name))
    for _ in range(2):
        process = stage.start()
        _, err = process.communicate(timeout=90)
        assert process.returncode == 1
        assert f"polywire deadletters resume {stage.name}" in err
    assert len(bus.dead_letters()) == 5
    monkeypatch.setenv("POLYWIRE_KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
    monkeypatch.setattr("polywire.commands.deadletters._STAGES", (stage.name,))
    for process in stage.processes:
        expel(settings, group_of(stage.name), process.pid)
    answer = CliRunner().invoke(app, ["resume", stage.name])
    assert answer.exit_code == 0, answer.output
    assert "5 messages in a row" in answer.output
    last = stage.start()
    eventually("the rest", lambda: stage.lag() == 0, 90)
    last.terminate()
    assert "b" in did(last.communicate(timeout=60)[0])
    assert len(bus.dead_letters()) == 7
    again = CliRunner().invoke(app, ["resume", stage.name])
    assert again.exit_code == 0
    assert "not stopped" in again.output
