"""What a stage says beside its commits, and what it makes of what the last owner said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from runtime.bus.deadletters import DeadLetter
from runtime.bus.marks import FAILED_LIMIT, REJECTED_LIMIT, Mark
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, DEADLETTERS, RAW
from streams.apps import standstill
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Position
from tests.apps.conftest import Member, Recorder, echo, follow, record
from tests.apps.test_progress import PLACE, numbered, topics_of


@pytest.fixture
def member(stage: Stage) -> Member:
    """Of the group, with thirty messages on its partition of which twenty are committed."""
    follow(stage)
    topics_of(stage, range(30), committed=20)
    found: Any = stage.app.consumer
    found.mine, found.ends = {TP(*PLACE)}, {TP(*PLACE): 30}
    member: Member = found
    return member


def left(stage: Stage, mark: Mark) -> None:
    """The last owner said this."""
    topics: Any = stage.lookback
    topics.marks = {PLACE: mark}


def reasons(broker: Recorder) -> list[str]:
    return [DeadLetter.parse(headers, value).reason for _, _, value, headers in broker.on(DEADLETTERS.name)]


async def test_after_a_goodbye_it_only_says_that_the_partition_is_in_its_hands(stage: Stage, member: Member) -> None:
    await stage.handle(numbered(20))
    await stage.handle(numbered(21))
    assert member.said == [(PLACE, 20, Mark(open=True))]


async def test_after_none_each_message_is_named_before_it_is_taken_in_hand(stage: Stage, member: Member) -> None:
    left(stage, Mark(open=True))
    said: list[tuple[int, Mark]] = []

    async def step(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        _, offset, mark = member.said[-1]
        said.append((offset, mark))
        return await echo(article, position)

    follow(stage, step)
    await stage.handle(numbered(20))
    await stage.handle(numbered(21))
    assert said == [(20, Mark(open=True, tries=1)), (21, Mark(open=True, tries=1))]


async def test_a_message_after_a_hole_in_the_topic_is_named_by_its_own_place(stage: Stage, member: Member) -> None:
    """Else nobody would know it again, and it could end one process after the other."""
    topics_of(stage, [23, 24], committed=20)
    left(stage, Mark(open=True))
    await stage.handle(numbered(24))
    assert [said for said in member.said if said[2].tries] == [
        (PLACE, 23, Mark(open=True, tries=1)),
        (PLACE, 24, Mark(open=True, tries=1)),
    ]


async def test_until_nothing_waits_any_more(stage: Stage, member: Member) -> None:
    left(stage, Mark(open=True))
    member.ends = {TP(*PLACE): 21}
    await stage.handle(numbered(20))
    await stage.standstill.pulse()
    count = len(member.said)
    await stage.handle(numbered(21))
    assert len(member.said) == count


async def test_what_two_processes_died_of_is_put_aside_unread(stage: Stage, broker: Recorder, member: Member) -> None:
    left(stage, Mark(open=True, tries=2))

    async def never(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        assert position.offset != 20
        return await echo(article, position)

    follow(stage, never)
    await stage.handle(numbered(20))
    await stage.handle(numbered(21))
    assert reasons(broker) == ["ended the process 3 times"]
    assert len(broker.on(ANALYZED.name)) == 1


async def test_a_message_in_hand_while_kafka_is_waited_for_is_not_to_blame(
    stage: Stage, broker: Recorder, member: Member
) -> None:
    left(stage, Mark(open=True, tries=1))
    broker.failures = [KafkaConnectionError("down")] * 3
    await stage.handle(numbered(20))
    assert member.said[-2:] == [(PLACE, 20, Mark(open=True, tries=2)), (PLACE, 20, Mark(open=True, tries=1))]
    assert len(broker.on(ANALYZED.name)) == 1


@pytest.mark.parametrize(
    ("mark", "value"),
    [(Mark(failed=FAILED_LIMIT - 1), None), (Mark(rejected=REJECTED_LIMIT - 1), b"junk")],
    ids=["by errors of ours", "by what they are"],
)
async def test_after_too_many_dead_letters_in_a_row_it_ends_and_leaves_the_next_where_it_is(
    stage: Stage, broker: Recorder, member: Member, mark: Mark, value: bytes | None
) -> None:
    left(stage, mark)

    async def broken(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        raise ZeroDivisionError("of ours")

    follow(stage, broken)
    for offset in (20, 21, 22):
        one = numbered(offset)
        await stage.handle(one if value is None else record(value, offset=offset))
    assert len(broker.on(DEADLETTERS.name)) == 1, "the one that there was room for"
    assert stage.progress.next(PLACE) == 21
    assert "messages in a row" in str(stage.ending)
    assert f"the next is {RAW.name}/3/21" in str(stage.ending)
    assert "polywire deadletters resume analyze" in str(stage.ending)
    said = stage.progress.says(PLACE, 21)
    assert said.stopped == stage.health.report().last_error == str(stage.ending)
    assert not said.open


async def test_what_is_handled_in_between_lets_the_count_begin_anew(
    stage: Stage, broker: Recorder, member: Member
) -> None:
    left(stage, Mark(rejected=REJECTED_LIMIT - 1))
    await stage.handle(numbered(20))
    for offset in (21, 22, 23):
        await stage.handle(record(b"junk", offset=offset))
    assert stage.ending is None
    assert stage.progress.says(PLACE, 24) == Mark(open=True, rejected=3)


async def test_a_stage_that_waits_for_a_person_ends_at_once_and_goes_on_saying_so(
    stage: Stage, broker: Recorder, member: Member
) -> None:
    left(stage, Mark(stopped="analyze stopped: …", failed=FAILED_LIMIT))
    await stage.standstill.pulse()
    await stage.handle(numbered(20))
    assert broker.sent == []
    assert str(stage.ending) == "analyze stopped: …"
    await stage._revoked()
    assert member.said[-1] == (PLACE, 20, Mark(stopped="analyze stopped: …", failed=FAILED_LIMIT))


async def test_what_it_fetches_itself_is_counted_as_well(
    stage: Stage, broker: Recorder, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours buries nothing in bulk."""
    monkeypatch.setattr(standstill, "STANDSTILL", 0.0)
    left(stage, Mark(failed=FAILED_LIMIT - 3))

    async def broken(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        raise ZeroDivisionError("of ours")

    follow(stage, broken)
    monkeypatch.setattr(stage.app, "rebalancing", False)
    for _ in range(3):
        await stage.standstill.pulse()
    assert len(broker.on(DEADLETTERS.name)) == 3
    assert stage.progress.next(PLACE) == 23
    assert stage.ending is not None
