"""Lines that come again and again are counted, whoever logs them; nothing that is logged can stop anything."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runtime.repeats import CountingHandler

STORM = """
import logging, threading
from runtime.logs import configure, get_logger
from runtime.settings import Settings
configure(Settings(log_format="json"), stage="storm")
log, library = get_logger("ours"), logging.getLogger("kafka")
for attempt in range(315):
    log.warning("broken, will retry", error="[Errno 111] refused", attempt=attempt)
    library.warning("<conn object at 0x%x>: attempt %d of %d%% failed", 4711 + attempt, attempt, 100)
log.warning("broken, will retry", error="something else")
thread = threading.Thread(target=log.info, args=("from a thread",))
thread.start()
thread.join()
"""


def test_repeated_lines_are_counted_for_our_own_and_for_libraries_loggers() -> None:
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    said = [line["event"] for line in lines]
    assert len(said) == 10
    assert any(event.startswith("broken, will retry … 312 times more in ") for event in said)
    assert any("100% failed … 312 times more in" in event for event in said)
    assert {"error": "something else"}.items() <= lines[6].items()
    assert {line["stage"] for line in lines} == {"storm"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def handler(window: float, clock: Clock | None = None) -> tuple[logging.Logger, io.StringIO]:
    out = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(CountingHandler(logging.StreamHandler(out), window=window, clock=clock or time.monotonic))
    return logger, out


def test_after_a_while_lines_are_written_again_and_the_count_comes_first() -> None:
    clock = Clock()
    logger, out = handler(60.0, clock)
    for _ in range(10):
        logger.warning("again")
    clock.now += 60
    logger.warning("again")
    logger.warning("another")
    assert out.getvalue() == "again\n" * 3 + "again … 7 times more in 60 s\nagain\nanother\n"


def test_the_count_is_of_the_same_logger_and_level_and_of_the_time_it_took() -> None:
    clock, kept = Clock(), list[logging.LogRecord]()
    clock.now = 1_000.0
    inner = logging.Handler()
    inner.emit = kept.append  # type: ignore[method-assign]
    logger = logging.Logger("test")
    logger.addHandler(CountingHandler(inner, clock=clock))
    for _ in range(4):
        logger.error("again")
    timer = logger.handlers[0]._timer  # type: ignore[attr-defined]
    assert timer.daemon, "no process waits for it to end"
    timer.cancel()
    clock.now += 70.0
    logger.error("again")
    found = [(one.name, one.levelno, one.getMessage()) for one in kept]
    again = ("test", logging.ERROR, "again")
    assert found == [*[again] * 3, ("test", logging.ERROR, "again … 1 times more in 70 s"), again]


def test_the_count_comes_also_when_nothing_more_is_logged() -> None:
    logger, out = handler(0.2)
    for _ in range(10):
        logger.warning("again")
    deadline = time.monotonic() + 60
    while "7 times more" not in out.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert threading.active_count() < 50


def test_what_is_remembered_is_bounded_and_what_was_counted_is_told() -> None:
    logger, out = handler(600.0, Clock())
    for number in range(3_000):
        for _ in range(4):
            logger.warning("kind %s", "x" * number)
    counting = logger.handlers[0]
    assert isinstance(counting, CountingHandler)
    assert len(counting._seen) <= 1_000
    counting.close()
    assert out.getvalue().count("1 times more") == 3_000


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    script = STORM + "print('went on')"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full, text=True, check=False, timeout=60
        )
    assert done.stdout == "went on\n"


@pytest.mark.parametrize("line", ["100%", "%s and %d"])
def test_lines_with_wrong_arguments_stop_nothing(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger, out = handler(60.0, Clock())
    for _ in range(5):
        logger.warning(line, "one", "two", "three")
    logger.warning("fine")
    assert "fine" in out.getvalue()
