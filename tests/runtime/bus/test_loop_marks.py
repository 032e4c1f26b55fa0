"""What the loop counts across restarts, on a source in memory; tests/consumers/test_deaths.py kills real ones."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from runtime.bus.marks import Mark
from runtime.bus.outcomes import Done, Later, Outcome, Received, Reject, Retry, TooManyDeadLetters
from schemas.topics import ALERTS
from tests.runtime.bus.memory_source import REFUSED, TIMED_OUT, MemorySource
from tests.runtime.bus.test_loop import PLACE, Bench, Script


def after(source: MemorySource) -> MemorySource:
    """What the next process finds."""
    later = MemorySource()
    for (topic, partition), log in source.logs.items():
        for record in log:
            later.put(topic, partition, record.value)
    later.committed, later.marks = dict(source.committed), dict(source.marks)
    return later


def left_by_the_dead(bench: Bench, offset: int = 0, tries: int = 0) -> None:
    bench.source.committed[PLACE], bench.source.marks[PLACE] = offset, Mark(open=True, tries=tries)


def test_a_partition_in_hand_says_so_until_the_goodbye() -> None:
    seen: list[bool] = []
    bench = Bench(Script(lambda _: (seen.append(bench.source.marks[PLACE].open), Done())[1]))
    bench.put(2)
    bench.run()
    assert seen == [True, True]
    assert bench.source.marks[PLACE] == Mark()


def test_after_a_kill_each_message_is_on_record_before_it_is_handled() -> None:
    seen: list[tuple[int, int, int]] = []

    def act(received: Received) -> Outcome:
        seen.append((received.record.offset, bench.source.committed[PLACE], bench.source.marks[PLACE].tries))
        return Done()

    bench = Bench(Script(act))
    bench.put(3)
    left_by_the_dead(bench)
    bench.run()
    assert seen == [(0, 0, 1), (1, 1, 1), (2, 2, 1)]
    assert bench.handler.batches == [[0], [1], [2]]
    assert (bench.source.committed[PLACE], bench.source.marks[PLACE]) == (3, Mark())


def test_care_ends_when_nothing_waits() -> None:
    bench = Bench(Script())
    bench.put(2)
    left_by_the_dead(bench)
    bench.source.on_poll = [lambda: None] * 8 + [lambda: bench.put(3)]
    bench.run(turns=1)
    assert bench.handler.batches == [[0], [1], [2, 3, 4]]


def test_a_message_that_ended_three_processes_is_put_aside_unread() -> None:
    bench = Bench(Script())
    bench.source.put(ALERTS.name, 0, b"not even decoded")
    bench.put()
    left_by_the_dead(bench, tries=2)
    bench.run()
    assert [(letter.offset, letter.reason) for letter in bench.letters] == [
        (0, "it ended the process 3 times while it was in hand")
    ]
    assert bench.handler.batches == [[1]]
    assert bench.source.committed == {PLACE: 2}


def test_a_try_is_taken_back_while_something_is_broken() -> None:
    waiting: list[int] = []
    tries = {"left": 3}

    def act(_: Received) -> Outcome:
        if tries["left"]:
            tries["left"] -= 1
            bench.source.on_poll.insert(0, lambda: waiting.append(bench.source.marks[PLACE].tries))
            return Retry("down")
        return Done()

    bench = Bench(Script(act))
    bench.put(2)
    left_by_the_dead(bench, tries=1)
    bench.run(turns=20)
    assert waiting == [1, 1, 1], "as it was found, not one more"
    assert bench.letters == []
    assert bench.source.committed == {PLACE: 2}


def test_what_was_waited_for_once_is_on_record_no_more() -> None:
    """It is retried for as long as it takes: whoever is killed meanwhile is not killed by the message."""
    seen: list[int] = []

    def act(received: Received) -> Outcome:
        seen.append(bench.source.marks[PLACE].tries)
        return Retry("down") if len(seen) < 4 else Done()

    bench = Bench(Script(act))
    bench.put()
    left_by_the_dead(bench)
    bench.run(turns=30)
    assert seen == [1, 0, 0, 0]


def test_care_goes_on_while_something_waits_that_was_not_polled() -> None:
    bench = Bench(Script())
    bench.put(1)
    left_by_the_dead(bench)
    ends = bench.source.ends

    def more_came() -> dict[tuple[str, int], tuple[int, int]]:
        bench.source.ends = ends  # type: ignore[method-assign]
        bench.put(2)
        return ends()

    bench.source.ends = more_came  # type: ignore[method-assign]
    bench.run(turns=4)
    assert bench.handler.batches == [[0], [1], [2]]


def test_a_refused_commit_puts_nothing_on_record() -> None:
    bench = Bench(Script())
    bench.put()
    left_by_the_dead(bench)
    bench.source.commit_errors = [REFUSED] * 2
    seen: list[list[list[int]]] = []
    bench.source.on_poll = [lambda: None, lambda: seen.append(list(bench.handler.batches))]
    bench.run(turns=10)
    assert seen == [[]]
    assert bench.handler.batches == [[0]]


def test_nothing_is_handled_carefully_before_its_commit_is_there() -> None:
    bench = Bench(Script(lambda _: Done()))
    bench.put()
    left_by_the_dead(bench)
    bench.source.commit_errors = [TIMED_OUT] * 3
    bench.source.on_poll = [lambda: None, lambda: batches.append(list(bench.handler.batches))]
    batches: list[list[list[int]]] = []
    bench.run(turns=10)
    assert batches == [[]]
    assert bench.handler.batches == [[0]]
    assert bench.source.committed == {PLACE: 1}


def test_the_limit_is_of_a_partition_and_is_not_reset_by_a_restart() -> None:
    bench = Bench(Script(lambda _: Reject("all wrong")), limit=5)
    bench.put(3)
    bench.put(3, partition=1)
    bench.run()
    assert len(bench.letters) == 6
    second = Bench(Script(lambda _: Reject("all wrong")), limit=5, source=after(bench.source))
    second.put(3)
    with pytest.raises(TooManyDeadLetters, match=r"5 messages in a row .* alerts/0/5: all wrong.*resume test"):
        second.run()
    assert len(second.letters) == 2
    for _ in range(2):
        third = Bench(Script(), limit=5, source=after(second.source))
        with pytest.raises(TooManyDeadLetters, match=r"5 messages in a row .* alerts/0/5: all wrong.*resume test"):
            third.run()
        assert third.handler.batches == []
        assert third.handler.closed
        assert third.source.closed
        second = third
    assert second.source.committed[PLACE] == 5


def test_errors_of_ours_stop_it_sooner() -> None:
    def act(_: Received) -> Outcome:
        raise ZeroDivisionError("oh")

    bench = Bench(Script(act))
    bench.put(150)
    with capture_logs(), pytest.raises(TooManyDeadLetters, match="100 messages in a row failed by an error of poly"):
        bench.run()
    assert len(bench.letters) == 100


def test_what_there_was_no_time_for_is_handed_over_again_after_a_commit() -> None:
    committed: list[int] = []

    class Slow(Script):
        def handle(self, batch):  # type: ignore[no-untyped-def]
            committed.append(bench.source.committed[PLACE])
            bench.source.now += 20
            return [*super().handle(batch[:1]), *[Later()] * (len(batch) - 1)]

    bench = Bench(Slow())
    bench.put(4)
    bench.source.on_poll = [lambda: None] * 20
    bench.run()
    assert bench.handler.batches == [[0], [1], [2], [3]]
    assert committed == [0, 1, 2, 3]
    assert bench.source.polls_while_paused >= 3, "the group must not take it for dead"
    assert not bench.source.paused
    assert bench.health.report().retries == 0


def test_a_signal_to_stop_is_heard_between_two_calls() -> None:
    class Slow(Script):
        def handle(self, batch):  # type: ignore[no-untyped-def]
            bench.loop.stop()
            return [*super().handle(batch[:1]), *[Later()] * (len(batch) - 1)]

    bench = Bench(Slow())
    bench.put(4)
    bench.loop.run()
    assert bench.handler.batches == [[0]]
    assert (bench.source.committed[PLACE], bench.source.marks[PLACE]) == (1, Mark())
