"""The consumer loop in a real consumer group: rebalances, a member that vanishes, long outages."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from runtime.bus.clients import group_lag
from runtime.bus.outcomes import Done, Outcome, Received, Reject, Retry
from runtime.settings import Settings
from schemas.topics import ALERTS
from tests.consumers.conftest import Bus, Start, eventually
from tests.consumers.make import alert

pytestmark = pytest.mark.engine


class Recorder:
    """Remembers what it was given, in order; `down` makes it fail; `reject` refuses some."""

    topics = (ALERTS,)

    def __init__(self, name: str = "recorder") -> None:
        self.stage = name
        self.seen: list[tuple[str, str]] = []
        self.down = threading.Event()
        self.tries = 0
        self.reject = ""
        self.pause = 0.0

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        self.tries += 1
        if self.down.is_set():
            return [Retry("down")] * len(batch)
        outcomes: list[Outcome] = []
        for received in batch:
            one = received.message
            time.sleep(self.pause)
            if self.reject and self.reject in one.story_id:  # type: ignore[attr-defined]
                outcomes.append(Reject("not this one"))
                continue
            self.seen.append((one.subscription_id, one.story_id))  # type: ignore[attr-defined]
            outcomes.append(Done())
        return outcomes

    def tick(self) -> None: ...

    def close(self) -> None: ...


def put(bus: Bus, keys: range, stories: range) -> list[tuple[str, str]]:
    sent = []
    for story in stories:
        for key in keys:
            one = alert(f"k{key}", f"s{story}")
            bus.put(ALERTS, one.subscription_id, one)
            sent.append((one.subscription_id, one.story_id))
    return sent


def in_order(seen: list[tuple[str, str]], key: str) -> list[int]:
    return list(dict.fromkeys(int(story[1:]) for k, story in seen if k == key))


@pytest.mark.real_engines  # the embedded engine hands no partitions over between two that live
def test_a_second_member_takes_over_its_part_and_gives_it_back(bus: Bus, start: Start) -> None:
    first, second = Recorder("one"), Recorder("two")
    start(first)
    sent = put(bus, range(12), range(5))
    eventually("the first 60", lambda: len(first.seen) >= 60)
    running = start(second)
    eventually("the second to work", lambda: put(bus, range(12), range(5, 6)) and second.seen, 60)
    sent += put(bus, range(12), range(6, 12))
    eventually("all", lambda: set(sent) <= set(first.seen) | set(second.seen), 60)
    running.stop()
    sent += put(bus, range(12), range(12, 15))
    eventually("all", lambda: set(sent) <= set(first.seen) | set(second.seen), 60)
    times = Counter(first.seen + second.seen)
    assert max(times[one] for one in sent) <= 2, "what is repeated was in hand when its partition moved"


def test_an_outage_longer_than_the_session_keeps_the_membership_and_the_order(bus: Bus, start: Start) -> None:
    """The session is 10 s in these tests: a consumer that did not poll would be expelled, and start again."""
    handler = Recorder()
    running = start(handler)
    put(bus, range(3), range(1))
    eventually("the first", lambda: len(handler.seen) == 3)
    handler.down.set()
    put(bus, range(3), range(1, 20))
    time.sleep(14)
    assert handler.tries >= 4
    assert running.health.report().alive
    handler.down.clear()
    eventually("all", lambda: len(handler.seen) == 60, 60)
    for key in ("k0", "k1", "k2"):
        assert in_order(handler.seen, key) == list(range(20))
    assert len(handler.seen) == 60, "nothing twice: the membership was never lost"


def test_what_is_committed_is_what_is_settled(bus: Bus, start: Start, settings: Settings) -> None:
    handler = Recorder()
    handler.reject = "s3"
    running = start(handler)
    put(bus, range(4), range(6))
    eventually("all", lambda: len(handler.seen) == 20)
    eventually("the rejected", lambda: running.health.report().rejected == 4)
    running.stop()
    group = f"polywire-{settings.index_prefix}"
    assert group_lag(settings, {group: [ALERTS]}) == {group: {ALERTS.name: 0}}
    again = Recorder()
    start(again)
    put(bus, range(4), range(6, 7))
    eventually("the new ones", lambda: len(again.seen) >= 4)
    assert all(story == "s6" for _, story in again.seen), "nothing is read again after an orderly stop"
    assert len(bus.dead_letters()) == 4


def test_a_stop_in_the_middle_of_a_batch_repeats_little_and_loses_nothing(bus: Bus, start: Start) -> None:
    first = Recorder()
    first.pause = 0.02
    running = start(first)
    sent = put(bus, range(5), range(30))
    eventually("some", lambda: len(first.seen) > 10)
    running.stop()
    second = Recorder()
    start(second)
    eventually("all", lambda: set(sent) == set(first.seen) | set(second.seen))
    assert len(first.seen) + len(second.seen) == len(sent), "an orderly stop repeats nothing"


@pytest.mark.real_engines
def test_a_partition_handed_on_in_a_rebalance_is_not_taken_for_one_of_the_dead(bus: Bus, start: Start) -> None:
    with capture_logs() as lines:
        first, second = Recorder(), Recorder()
        start(first)
        put(bus, range(12), range(1))
        eventually("the first", lambda: len(first.seen) == 12)
        start(second)

        def reached() -> bool:
            put(bus, range(12), range(1, 2))
            return bool(second.seen)

        eventually("some for the second", reached)
    assert not [line for line in lines if "carefully" in line["event"]]
