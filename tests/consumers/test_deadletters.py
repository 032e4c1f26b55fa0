"""Dead letters of months: read from the newest back, as many as are asked for, and put back in order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from kafka import KafkaProducer

from consumers import deadletters
from consumers.deadletters import Lying, dead_letters, in_full, put_back
from runtime.bus.clients import client_options, create_topics, make_producer
from runtime.bus.deadletters import DeadLetter
from runtime.settings import Settings
from schemas.topics import DEADLETTERS, RAW
from tests.bus import records_of

pytestmark = pytest.mark.engine

SIZE = 4_000
"""Bytes of each."""
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def count(request: pytest.FixtureRequest) -> int:
    """On the real engines 120 MB of them; the embedded one answers each fetch with all that it has."""
    return 30_000 if request.config.getoption("--engines") == "jvm" else 1_500


@pytest.fixture(autouse=True)
def _at_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadletters, "_AT_ONCE", count // 15)


@pytest.fixture(scope="module")
def filled(fresh_engine: Settings, count: int) -> Settings:
    """A letter a minute until now, on all partitions."""
    create_topics(fresh_engine)
    producer = KafkaProducer(**client_options(fresh_engine), linger_ms=50, batch_size=500_000)
    for number in range(count):
        at = NOW - timedelta(minutes=count - number)
        stage = "rare" if number % (count // 3) == 5 else "indexer"
        letter = DeadLetter(stage, f"reason {number}", RAW.name, 0, number, b"k", b"%05d" % number + b"x" * SIZE, at)
        producer.send(
            DEADLETTERS.name, key=letter.record_key, value=letter.value, headers=letter.headers(),
            timestamp_ms=round(at.timestamp() * 1000),
        )  # fmt: skip
    producer.flush(120)
    producer.close()
    return fresh_engine


def offsets(lying: Iterator[Lying]) -> list[int]:
    return [one.letter.offset for one in lying]


def peak(settings: Settings, *arguments: str) -> int:
    """The most bytes that the process of a command held."""
    environment = os.environ | {"POLYWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap}
    process = subprocess.Popen(
        [sys.executable, "-m", "polywire", *arguments], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


def test_the_newest_come_first_from_all_partitions(filled: Settings, count: int) -> None:
    with closing(dead_letters(filled)) as lying:
        assert offsets(lying) == list(range(count - 1, -1, -1))
    with closing(dead_letters(filled)) as lying:
        (one,) = islice(lying, 1)
    assert one.letter.value is None
    assert one.size == SIZE + 5


@pytest.mark.real_engines
def test_what_is_held_does_not_grow_with_what_lies_there(filled: Settings) -> None:
    """Going through 120 MB of letters takes a fraction of that more than a command that reads an empty topic."""
    without = peak(filled, "subscriptions", "list")
    whole = peak(filled, "deadletters", "list", "--stage", "notifier")
    print(f"{whole / 1e6:.0f} MB, {without / 1e6:.0f} without letters")
    assert whole - without < 60_000_000


def test_only_as_far_back_as_asked_for(filled: Settings, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    between = deadletters.between

    def counted(consumer: object, tp: object, begin: int, end: int) -> Iterator[object]:
        asked.append(end - begin)
        return between(consumer, tp, begin, end)  # type: ignore[arg-type]

    monkeypatch.setattr(deadletters, "between", counted)
    with closing(dead_letters(filled, since=NOW - timedelta(hours=2))) as lying:
        found = offsets(lying)
    assert set(range(count - 120, count)) <= set(found)
    assert len(found) <= 181, "two hours, and one for clocks that differ"
    assert sum(asked) <= 6 * deadletters._AT_ONCE


def test_letters_are_put_back_oldest_first_with_their_values_and_show_it(filled: Settings, count: int) -> None:
    with closing(dead_letters(filled)) as lying:
        chosen = [one for one in lying if one.letter.stage == "rare"]
    assert [one.letter.offset for one in chosen] == [2 * count // 3 + 5, count // 3 + 5, 5]
    producer = make_producer(filled, "test")
    with closing(in_full(filled, chosen)) as letters:
        done = put_back(producer, letters)
    producer.close()
    assert done == [one.id for one in reversed(chosen)]
    back = sorted(records_of(filled, RAW), key=lambda record: record.timestamp)
    assert [int(record.value[:5]) for record in back] == [one.letter.offset for one in reversed(chosen)]
    assert all(len(record.value) == SIZE + 5 for record in back)
    with closing(dead_letters(filled)) as lying:
        again = {one.id: one.put_back for one in lying}
    assert len(again) == count, "a mark is no letter"
    assert {id_ for id_, at in again.items() if at} == set(done)
