"""Messages read again from a real bus."""

from __future__ import annotations

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from runtime.bus.clients import create_topics, make_consumer, make_producer, next_offset
from runtime.bus.marks import Mark
from runtime.settings import Settings
from schemas.topics import CORRECTIONS
from streams.apps.lookback import Lookback

pytestmark = pytest.mark.engine

PLACE = (CORRECTIONS.name, 0)
TP = TopicPartition(*PLACE)


@pytest.fixture
def first(settings: Settings) -> int:
    """Where ten messages begin: b"0" to b"9"."""
    create_topics(settings)
    producer = make_producer(settings, "test")
    sent = [producer.send(CORRECTIONS.name, key=b"k", value=b"%d" % n, headers=[("h", b"x")]) for n in range(10)]
    offsets = [future.get(30).offset for future in sent]
    producer.close()
    assert offsets == list(range(offsets[0], offsets[0] + 10))
    start: int = offsets[0]
    return start


def test_a_stretch_is_read_in_order_and_to_its_limit(settings: Settings, first: int) -> None:
    lookback = Lookback(settings, "polywire-test")
    found = lookback.between(PLACE, first + 2, first + 7, 100)
    assert [(r.offset - first, r.value, r.key, r.headers) for r in found] == [
        (n, b"%d" % n, b"k", (("h", b"x"),)) for n in range(2, 7)
    ]
    assert [r.value for r in lookback.between(PLACE, first + 2, first + 7, 3)] == [b"2", b"3", b"4"]


def test_what_is_not_there_is_left_out(settings: Settings, first: int) -> None:
    lookback = Lookback(settings, "polywire-test")
    assert [r.value for r in lookback.between(PLACE, first + 8, first + 1_000, 100)] == [b"8", b"9"]
    assert lookback.between(PLACE, first + 10, first + 1_000, 100) == []
    assert lookback.at(PLACE, [first + 3, first + 1, first + 3, first + 99]) == {first + 1: b"1", first + 3: b"3"}
    assert lookback.at(PLACE, []) == {}


def test_a_group_begins_after_its_commit_or_with_the_first(settings: Settings, first: int) -> None:
    group = f"polywire-{settings.index_prefix}"
    lookback = Lookback(settings, group)
    reader = make_consumer(settings, group, ())
    reader.assign([TP])
    beginning = reader.beginning_offsets([TP])[TP]
    assert lookback.left_off([PLACE]) == {PLACE: (beginning, Mark())}
    mark = Mark(open=True, tries=2)
    reader.commit({TP: OffsetAndMetadata(first + 5, mark.encode(), -1)})
    assert lookback.left_off([PLACE]) == {PLACE: (first + 5, mark)}
    reader.commit({TP: next_offset(first + 5_000)})  # as if the log had been cut
    reader.close(autocommit=False)
    assert lookback.left_off([PLACE]) == {PLACE: (beginning, Mark())}
