"""What hangs is started again, and nothing that happens to one process brings down the others."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from polywire.runtime.settings import Settings
from polywire.supervision import process as process_module
from polywire.supervision import supervisor as supervisor_module
from polywire.supervision.process import StageProcess, free_port
from polywire.supervision.stages import NOTIFIER, StageSpec
from polywire.supervision.supervisor import Supervisor

PATIENCE = 120.0


@contextmanager
def up(folder: Path, *stages: StageSpec) -> Iterator[tuple[Supervisor, list[str]]]:
    told: list[str] = []
    settings = Settings(engines="embedded", state_dir=folder, web_port=free_port())
    with Supervisor(settings, stages, lambda who, what: told.append(f"{who}: {what}")) as supervisor:
        supervisor.start()
        yield supervisor, told


def watch_until(supervisor: Supervisor, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, [(p.name, p.health(), p.last_error) for p in supervisor.processes]
        supervisor.watch()
        time.sleep(0.1)


def answers(process: StageProcess) -> bool:
    return bool((process.health() or {}).get("ready"))


def test_a_stage_that_no_longer_answers_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_SILENT", 3.0)
    monkeypatch.setattr(supervisor_module, "_HEALTH_EVERY", 0.2)
    with up(tmp_path, NOTIFIER) as (supervisor, told):
        (stage,) = supervisor.processes
        watch_until(supervisor, lambda: answers(stage))
        hung = stage.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        watch_until(supervisor, lambda: stage.restarts and answers(stage))
        assert stage.pid != hung
        assert stage.restarts == 1
        assert any("has not answered for" in line for line in told)
