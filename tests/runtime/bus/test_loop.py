"""The consumer loop's rules, on a source in memory. tests/runtime/bus/test_loop_on_kafka.py has them on a broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from kafka.errors import KafkaTimeoutError

from runtime.bus.deadletters import REPLAYS_HEADER, DeadLetter
from runtime.bus.loop import ConsumerLoop
from runtime.bus.outcomes import Done, Later, Outcome, Received, Reject, Retry, TooManyDeadLetters, Unavailable
from runtime.health import StageHealth
from schemas.codec import encode
from schemas.topics import ALERTS
from tests.consumers.make import alert
from tests.runtime.bus.memory_source import REFUSED, TIMED_OUT, MemorySource

PLACE = (ALERTS.name, 0)


class Script:
    """A handler that does what the test says, and remembers what it was asked."""

    stage = "test"
    topics = (ALERTS,)

    def __init__(self, act: Callable[[Received], Outcome] = lambda _: Done()) -> None:
        self.act = act
        self.batches: list[list[int]] = []
        self.closed = False
        self.ticks = 0

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        self.batches.append([received.record.offset for received in batch])
        return [self.act(received) for received in batch]

    def tick(self) -> None:
        self.ticks += 1

    def close(self) -> None:
        self.closed = True


class Bench:
    def __init__(self, handler: Script, *, limit: int = 100, source: MemorySource | None = None) -> None:
        self.source = source or MemorySource()
        self.handler = handler
        self.letters: list[DeadLetter] = []
        self.letter_errors: list[Exception] = []
        self.health = StageHealth("test", clock=self.source.clock)
        self.loop = ConsumerLoop(
            self.source, handler, self._write, self.health, clock=self.source.clock, dead_letter_limit=limit
        )

    def _write(self, letter: DeadLetter) -> None:
        if self.letter_errors:
            raise self.letter_errors.pop(0)
        self.letters.append(letter)

    def put(self, count: int = 1, partition: int = 0) -> None:
        for _ in range(count):
            self.source.put(ALERTS.name, partition, encode(alert()))

    def run(self, turns: int = 1) -> None:
        """So many turns with nothing more to come, then stop."""
        self.source.on_poll += [lambda: None] * turns
        self.source.on_poll.append(self.loop.stop)
        self.loop.run()


def test_commits_what_is_done() -> None:
    bench = Bench(Script())
    bench.put(3)
    bench.put(2, partition=1)
    bench.run()
    assert bench.source.committed == {PLACE: 3, (ALERTS.name, 1): 2}
    assert bench.source.closed
    assert bench.handler.closed
    assert bench.health.report().handled == 5


def test_nothing_is_committed_while_the_effect_is_not_confirmed() -> None:
    seen: list[dict[tuple[str, int], int]] = []
    bench = Bench(Script(lambda _: (seen.append(dict(bench.source.committed)), Done())[1]))
    bench.put(2)
    bench.run()
    assert seen == [{PLACE: 0}, {PLACE: 0}]


def test_poison_between_good_messages() -> None:
    bench = Bench(Script(lambda r: Reject("refused") if r.record.offset == 3 else Done()))
    bench.put()
    bench.source.put(ALERTS.name, 0, b"not json")
    bench.put()
    bench.put()
    bench.source.put(ALERTS.name, 0, None)
    bench.put()
    bench.run()
    assert [(letter.offset, letter.reason.split(":")[0]) for letter in bench.letters] == [
        (1, "not JSON"),
        (3, "refused"),
        (4, "empty value"),
    ]
    assert bench.letters[0].value == b"not json"
    assert bench.letters[2].value is None
    assert bench.handler.batches == [[0, 2, 3, 5]]
    assert bench.source.committed == {PLACE: 6}
    assert bench.health.report().rejected == 3


def test_outage_is_waited_for_and_the_membership_kept() -> None:
    tries = {"left": 12}

    def act(_: Received) -> Outcome:
        if tries["left"]:
            tries["left"] -= 1
            return Retry("no connection")
        return Done()

    bench = Bench(Script(act))
    bench.put()
    bench.run(turns=500)
    assert bench.source.committed == {PLACE: 1}
    assert bench.letters == []
    # 0.5 + 1 + 2 + … + 30 + 30 …: minutes, polled all the while.
    assert bench.source.now > 150
    assert bench.source.polls_while_paused > 300
    assert not bench.source.paused
    report = bench.health.report()
    assert report.retries >= 12
    assert report.last_error == "no connection"


def test_only_what_failed_is_handed_over_again() -> None:
    failed: list[int] = []

    def act(received: Received) -> Outcome:
        if received.record.offset in (1, 3) and received.record.offset not in failed:
            failed.append(received.record.offset)
            return Retry("busy")
        return Done()

    bench = Bench(Script(act))
    bench.put(5)
    bench.run(turns=5)
    assert bench.handler.batches == [[0, 1, 2, 3, 4], [1, 3]]
    assert bench.source.committed == {PLACE: 5}


def test_the_wish_to_wait_is_honoured() -> None:
    first = {"try": True}

    def act(_: Received) -> Outcome:
        if first.pop("try", False):
            return Retry("429", after=90)
        return Done()

    bench = Bench(Script(act))
    bench.put()
    bench.run(turns=300)
    assert bench.source.now >= 90
    assert bench.source.committed == {PLACE: 1}


def test_done_before_the_first_unsettled_is_committed_during_an_outage() -> None:
    bench = Bench(Script(lambda r: Done() if r.record.offset < 2 else Retry("down")))
    bench.put(4)
    bench.run(turns=30)
    assert bench.source.committed == {PLACE: 2}


def test_unavailable_for_the_whole_batch() -> None:
    class Down(Script):
        def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
            if len(self.batches) < 3:
                self.batches.append([])
                raise Unavailable("no index")
            return super().handle(batch)

    bench = Bench(Down())
    bench.put(2)
    bench.run(turns=30)
    assert bench.source.committed == {PLACE: 2}
    assert bench.letters == []


def test_a_bug_rejects_the_message_it_chokes_on_and_no_other() -> None:
    class Buggy(Script):
        def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
            outcomes = super().handle(batch)
            if any(received.record.offset == 2 for received in batch):
                raise ZeroDivisionError("oh")
            return outcomes

    bench = Bench(Buggy())
    bench.put(4)
    bench.run()
    assert [(letter.offset, letter.reason) for letter in bench.letters] == [(2, "ZeroDivisionError: oh")]
    assert bench.source.committed == {PLACE: 4}


def test_dead_letters_are_acknowledged_before_the_commit() -> None:
    bench = Bench(Script(lambda _: Reject("bad")))
    bench.letter_errors = [KafkaTimeoutError("broker away")] * 3
    committed: list[dict[tuple[str, int], int]] = []
    bench.put()
    bench.source.on_poll = [lambda: committed.append(dict(bench.source.committed))] * 4
    bench.run(turns=30)
    assert committed[:3] == [{}, {PLACE: 0}, {PLACE: 0}]
    assert len(bench.letters) == 1
    assert bench.source.committed == {PLACE: 1}
    assert bench.handler.batches == [[0]], "the handler is not asked again for what it has rejected"


def test_revoked_partitions_are_dropped_with_what_is_in_hand() -> None:
    bench = Bench(Script(lambda r: Retry("down") if r.record.partition == 1 else Done()))
    bench.put(2)
    bench.put(2, partition=1)
    bench.source.on_poll = [lambda: None] * 3 + [lambda: bench.source.take_away((ALERTS.name, 1))]
    bench.run(turns=10)
    assert bench.source.committed == {PLACE: 2, (ALERTS.name, 1): 0}
    assert not bench.source.paused, "with nothing left in hand, the rest goes on"


def test_a_refused_commit_is_not_repeated_for_what_was_taken_away() -> None:
    bench = Bench(Script())
    bench.put(2)
    bench.source.commit_errors = [REFUSED] * 2
    bench.source.on_poll = [lambda: None, lambda: bench.source.take_away(PLACE)]
    bench.run(turns=2)
    assert bench.source.committed == {}


def test_a_commit_that_timed_out_is_repeated() -> None:
    bench = Bench(Script())
    bench.put(2)
    bench.source.commit_errors = [TIMED_OUT, REFUSED]
    bench.run(turns=4)
    assert bench.source.committed == {PLACE: 2}


def test_poll_errors_are_waited_for() -> None:
    bench = Bench(Script())
    bench.put()
    bench.source.poll_errors = [TIMED_OUT, TIMED_OUT]
    bench.run(turns=20)
    assert bench.source.committed == {PLACE: 1}


def test_stop_during_an_outage_ends_soon_and_commits_nothing_unsettled() -> None:
    bench = Bench(Script(lambda _: Retry("down")))
    bench.put(3)
    bench.run(turns=8)
    assert bench.source.committed == {PLACE: 0}
    assert bench.source.closed
    assert bench.source.now < 60


def test_stop_finishes_the_batch() -> None:
    bench = Bench(Script(lambda _: (bench.loop.stop(), Done())[1]))
    bench.put(3)
    bench.loop.run()
    assert bench.source.committed == {PLACE: 3}


def test_too_many_dead_letters_stop_it() -> None:
    bench = Bench(Script(lambda _: Reject("all wrong")), limit=5)
    bench.put(20)
    with pytest.raises(TooManyDeadLetters, match=r"5 messages in a row .* alerts/0/5: all wrong"):
        bench.run()
    assert len(bench.letters) == 5
    assert bench.source.committed == {PLACE: 5}
    assert bench.source.closed


def test_a_good_message_resets_the_count() -> None:
    bench = Bench(Script(lambda r: Done() if r.record.offset % 4 == 3 else Reject("bad")), limit=4)
    bench.put(20)
    bench.run()
    assert len(bench.letters) == 15


def test_replays_are_counted_in_the_dead_letter() -> None:
    bench = Bench(Script(lambda _: Reject("still bad")))
    bench.source.put(ALERTS.name, 0, encode(alert()), headers=((REPLAYS_HEADER, b"2"),))
    bench.run()
    assert bench.letters[0].replays == 2


def test_lag_counts_what_is_in_hand() -> None:
    bench = Bench(Script(lambda r: Done() if r.record.offset < 1 else Retry("down")))
    bench.put(4)
    bench.run(turns=20)
    assert bench.health.report().lag == 3


def metric(bench: Bench, name: str, **labels: str) -> float | None:
    value: float | None = bench.health.registry.get_sample_value(name, {"stage": "test", **labels})
    return value


def test_a_stage_is_ready_when_it_could_ask_for_messages_and_not_before() -> None:
    bench = Bench(Script())
    bench.source.poll_errors = [KafkaTimeoutError("broker away")]
    seen: list[tuple[bool, str | None]] = []
    bench.source.on_poll = [lambda: seen.append((bench.health.report().ready, bench.health.report().last_error))]
    bench.run(turns=6)
    assert seen == [(False, "KafkaTimeoutError: broker away")]
    assert bench.health.report().ready


def test_a_stage_that_stands_still_is_seen_to_however_often_it_asks() -> None:
    bench = Bench(Script())
    bench.run(turns=40)
    assert bench.health.report().idle_for >= 19


def test_an_error_without_words_is_known_by_its_name() -> None:
    class Down(Script):
        def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
            outcomes = super().handle(batch)
            if len(self.batches) < 2:
                raise ConnectionError
            return outcomes

    bench = Bench(Down())
    bench.put()
    bench.run(turns=6)
    assert bench.health.report().last_error == "ConnectionError"
    bench = Bench(Script(), source=MemorySource())
    bench.source.poll_errors = [ConnectionError()]  # type: ignore[list-item]
    bench.run(turns=4)
    assert bench.health.report().last_error == "ConnectionError"


def test_what_is_unavailable_says_for_how_long_and_anything_else_does_not() -> None:
    def waited(error: Exception) -> float:
        class Down(Script):
            def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
                outcomes = super().handle(batch)
                times.append(bench.source.now)
                if len(times) < 2:
                    raise error
                return outcomes

        times: list[float] = []
        bench = Bench(Down())
        bench.put()
        bench.run(turns=400)
        assert bench.health.report().last_error == str(error)
        return times[1] - times[0]

    assert waited(Unavailable("no index", after=90)) >= 90
    assert 0.4 <= waited(ConnectionError("refused")) <= 0.6


def test_each_outage_begins_with_a_short_wait_that_grows() -> None:
    times: list[float] = []
    down = {2: 3, 7: 1}
    """How often which message finds it down."""

    def act(received: Received) -> Outcome:
        times.append(bench.source.now)
        offset = received.record.offset
        if down.get(offset):
            down[offset] -= 1
            return Retry("down")
        return Done()

    bench = Bench(Script(act))
    bench.put(3)
    bench.source.on_poll = [lambda: None] * 16 + [lambda: bench.put(5)]
    bench.run(turns=8)
    waits = [round(later - sooner, 3) for sooner, later in pairwise(times) if later > sooner]
    first, second, third, _, again = waits
    assert 0.4 <= first <= 0.6
    assert 0.8 <= second <= 1.2
    assert 1.6 <= third <= 2.4
    assert 0.4 <= again <= 0.6
    assert bench.source.committed == {PLACE: 8}
    assert not bench.source.paused


def test_two_messages_that_are_choked_on_are_told_apart_as_many_are() -> None:
    class Buggy(Script):
        def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
            outcomes = super().handle(batch)
            if any(received.record.offset == 0 for received in batch):
                raise ZeroDivisionError("oh")
            return outcomes

    bench = Bench(Buggy())
    bench.put(2)
    bench.run()
    assert [letter.offset for letter in bench.letters] == [0]
    assert bench.handler.batches == [[0, 1], [0], [1]]


def test_a_handler_has_the_message_and_its_record() -> None:
    seen: list[Received] = []
    bench = Bench(Script(lambda received: (seen.append(received), Done())[1]))
    value = encode(alert())
    record = bench.source.put(ALERTS.name, 0, value)
    bench.run()
    assert seen == [Received(record, alert())]


def test_what_becomes_of_messages_is_counted_by_topic_with_the_time_it_took() -> None:
    def act(received: Received) -> Outcome:
        bench.source.now += 3.0
        return [Done(), Done("skipped"), Done(), Reject("bad")][received.record.offset]

    bench = Bench(Script(act))
    bench.put(4)
    bench.source.now = 50.0
    bench.run()
    counted = {
        what: metric(bench, "polywire_messages_total", topic=ALERTS.name, outcome=what)
        for what in (Done().what, "skipped", "dead_letter")
    }
    assert counted == {Done().what: 2, "skipped": 1, "dead_letter": 1}
    # Twelve seconds for three that were done, two and one together.
    assert metric(bench, "polywire_handling_seconds_count") == 2
    assert metric(bench, "polywire_handling_seconds_sum") == 4.0 + 4.0
    assert bench.health.report().last_error == "bad"


def test_what_is_behind_is_nothing_when_all_is_done_and_asked_for_now_and_then() -> None:
    bench = Bench(Script())
    bench.put(2)
    bench.run(turns=10)
    assert bench.health.report().lag == 0


def test_between_two_calls_it_asks_for_nothing_new_and_waits_for_nothing() -> None:
    quick = Bench(Script(lambda r: Done() if len(quick.handler.batches) > r.record.offset else Later()))
    quick.put(4)
    quick.source.now = 50.0
    quick.run()
    assert quick.handler.batches == [[0, 1, 2, 3], [1, 2, 3], [2, 3], [3]]
    assert quick.source.polls_while_paused == 0, "the membership is not in danger yet"

    def slowly(received: Received) -> Outcome:
        if len(bench.handler.batches) <= received.record.offset:
            return Later()
        bench.source.now += 0.6
        times.append(bench.source.now)
        return Done()

    times: list[float] = []
    bench = Bench(Script(slowly))
    bench.put(3)
    bench.run(turns=6)
    assert bench.source.polls_while_paused == 2
    assert times == pytest.approx([0.6, 1.2, 1.8])


def test_an_outage_of_the_bus_while_something_else_is_down_is_told() -> None:
    tries = {"left": 1}

    def act(_: Received) -> Outcome:
        if tries["left"]:
            tries["left"] -= 1
            bench.source.poll_errors = [KafkaTimeoutError("broker away")]
            return Retry("down", after=3)
        return Done()

    bench = Bench(Script(act))
    bench.put()
    bench.run(turns=20)
    assert bench.health.report().last_error == "KafkaTimeoutError: broker away"
    assert bench.source.committed == {PLACE: 1}


def test_a_commit_that_fails_is_told() -> None:
    bench = Bench(Script())
    bench.put()
    bench.source.commit_errors = [TIMED_OUT]
    bench.run(turns=4)
    assert bench.health.report().last_error == str(TIMED_OUT)
