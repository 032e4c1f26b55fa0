"""What is counted across restarts, where nothing outlives a process but what it committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.bus.deadletters import DeadLetter
from runtime.settings import Settings
from schemas.topics import ANALYZED, CLUSTERED, DEADLETTERS
from tests.apps.odd import DIED
from tests.apps.workers import analyzed, eventually, messages_of, put, working
from tests.bus import records_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(290)]


def letters(settings: Settings) -> list[DeadLetter]:
    return [DeadLetter.parse(record.headers, record.value) for record in records_of(settings, DEADLETTERS)]


def test_what_ends_the_process_three_times_is_put_aside(fresh_engine: Settings, tmp_path: Path) -> None:
    names = ["dies-before", "dies-deadly", "dies-after1", "dies-after2"]
    put(fresh_engine, ANALYZED, analyzed(*names), lambda one: one.id)
    for _ in range(3):
        with working(fresh_engine, tmp_path, "cluster", "deadly=dies-deadly") as worker:
            assert worker.dies() == DIED, worker.log.read_text()[-3_000:]
    with working(fresh_engine, tmp_path, "cluster", "deadly=dies-deadly") as worker:
        rest = set(names) - {"dies-deadly"}
        eventually("the others", lambda: rest <= {one.id for one in messages_of(fresh_engine, CLUSTERED)}, worker)
        assert worker.end() == 0
    (letter,) = letters(fresh_engine)
    assert letter.reason == "ended the process 3 times"
    assert b"dies-deadly" in (letter.value or b"")


def test_a_stage_that_buries_one_after_the_other_waits_for_a_person(fresh_engine: Settings, tmp_path: Path) -> None:
    names = [f"fails-{number:04d}" for number in range(6)]
    put(fresh_engine, ANALYZED, analyzed(*names), lambda one: one.id)
    for _ in range(2):  # and a restart changes nothing
        with working(fresh_engine, tmp_path, "cluster", "faulty=3") as worker:
            assert worker.dies() == 1, worker.log.read_text()[-3_000:]
        assert "polywire deadletters resume cluster" in worker.log.read_text()
        assert sum(letter.reason == "ZeroDivisionError: of ours" for letter in letters(fresh_engine)) == 3
    with working(fresh_engine, tmp_path, "cluster") as worker:  # nor does one of mended code: a person has to say so
        assert worker.dies() == 1
    assert not set(names) & {one.id for one in messages_of(fresh_engine, CLUSTERED)}
