"""A process that hangs says where, and ends, whatever it hangs in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from runtime.watchdog import SUPERVISOR, Watchdog

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such timer")

HANGING = [sys.executable, "-m", "tests.runtime.hanging"]
PATIENCE = 60.0


def test_a_process_that_nobody_watches_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    armed: list[object] = []
    monkeypatch.setattr(signal, "setitimer", lambda *how: armed.append(how))
    watchdog = Watchdog()
    watchdog.beat()
    watchdog.stopping()
    assert armed == []


@contextmanager
def stage(how: str, seconds: float = 4.0, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is up and now hangs."""
    process = subprocess.Popen(
        [*HANGING, how, str(seconds)], env={**os.environ, **environment}, cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        assert process.stdout.readline().startswith("up")
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=PATIENCE)[1]


@pytest.mark.parametrize(
    ("how", "where"),
    [("python", "in python"), ("c", "re/__init__.py"), ("sleep", "in sleep"), ("one_of_two_loops", "in page")],
)
def test_a_loop_that_stands_still_is_ended_with_the_stack_of_every_thread(how: str, where: str) -> None:
    with stage(how) as process:
        stacks = said(process)
        assert process.returncode == -signal.SIGALRM
        assert where in stacks
        assert "serve_forever" in stacks, "the other threads are shown as well"


def test_a_process_that_waits_for_broken_infrastructure_lives() -> None:
    with stage("well") as process:
        assert said(process) == ""
        assert process.returncode == 0


def test_a_process_that_was_told_to_end_and_does_not_is_ended_though_it_beats() -> None:
    with stage("beats_on") as process:
        process.terminate()
        assert "in beats_on" in said(process)
        assert process.returncode == -signal.SIGALRM


PARENT = """
import os, subprocess, sys
os.environ[sys.argv[1]] = str(os.getpid())
child = subprocess.Popen([sys.executable, "-m", "tests.runtime.hanging", "beats_on", "4"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_process_whose_supervisor_was_killed_ends_though_it_beats() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, SUPERVISOR], cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert parent.stdout
    with parent.stdout as told:
        child = psutil.Process(int(told.readline()))
    parent.kill()
    parent.wait()
    assert psutil.wait_procs([child], timeout=PATIENCE)[1] == []


def test_a_process_that_nobody_supervises_outlives_who_started_it() -> None:
    with stage("beats_on", 0.5, **{SUPERVISOR: ""}) as process, pytest.raises(subprocess.TimeoutExpired):
        process.wait(3.0)
