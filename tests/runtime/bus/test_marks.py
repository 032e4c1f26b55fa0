"""What is counted across restarts, by the metadata of commits alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from runtime.bus.marks import CAREFULLY, Ledger, Mark


@dataclass
class Group:
    """What the broker keeps of a partition, and processes that read it, one after the other."""

    deadly: frozenset[int] = frozenset()
    offset: int = 0
    metadata: str = ""
    handled: list[int] = field(default_factory=list)
    put_aside: list[int] = field(default_factory=list)
    deaths: int = 0

    def commit(self, offset: int, mark: Mark) -> None:
        self.offset, self.metadata = offset, mark.encode()

    def process(self, end: int, *, commits_every: int = 50) -> bool:
        """One process, until all before `end` is handled; False where it was killed."""
        ledger = Ledger(self.offset, Mark.decode(self.metadata))
        self.commit(self.offset, ledger.came())
        for offset in range(self.offset, end):
            if ledger.condemned(offset):
                self.put_aside.append(offset)
                ledger.buried(ours=False)
                continue
            if ledger.careful:
                self.commit(offset, ledger.before(offset))
            if offset in self.deadly:
                self.deaths += 1
                return False
            self.handled.append(offset)
            ledger.done()
            if offset % commits_every == 0:
                self.commit(offset + 1, ledger.at(offset + 1))
        self.commit(end, ledger.goodbye(end))
        return True


def test_a_message_that_ends_the_process_is_put_aside_after_three_deaths() -> None:
    group = Group(deadly=frozenset({120}))
    assert [group.process(200) for _ in range(4)] == [False, False, False, True]
    assert group.put_aside == [120]
    assert set(group.handled) == set(range(200)) - {120}


def test_each_of_several_is_put_aside() -> None:
    group = Group(deadly=frozenset({10, 11, 170}))
    while not group.process(200):
        assert group.deaths < 20
    assert group.put_aside == [10, 11, 170]


def test_a_process_killed_at_innocent_messages_puts_nothing_aside() -> None:
    group = Group()
    for end in (60, 130, 131, 180):
        group.deadly = frozenset({end})  # killed there, by somebody else
        assert not group.process(200)
    group.deadly = frozenset()
    assert group.process(200)
    assert group.put_aside == []
    assert set(group.handled) == set(range(200))


def test_waiting_for_something_broken_takes_the_try_back() -> None:
    ledger = Ledger(7, Mark(open=True))
    assert ledger.before(7).tries == 1
    assert ledger.at(7).tries == 0, "what is committed while Kafka or Elasticsearch is waited for"


def test_a_process_is_careful_only_after_one_that_said_no_goodbye() -> None:
    assert not Ledger(7, Mark()).careful
    assert not Ledger(7, Ledger(7, Mark()).goodbye(7)).careful
    ledger = Ledger(7, Ledger(7, Mark()).came())
    assert ledger.careful
    for _ in range(CAREFULLY):
        ledger.done()
    assert not ledger.careful


def test_tries_are_kept_over_a_goodbye_and_over_a_process_that_ended_before_its_first_message() -> None:
    mark = Ledger(7, Mark(open=True)).before(7)
    assert Ledger(7, mark).goodbye(7).tries == 1
    assert Ledger(7, mark).came().tries == 1
    assert Ledger(7, mark).goodbye(8).tries == 0, "of another message"


@pytest.mark.parametrize("ours", [True, False])
def test_limits_hold_over_restarts_and_end_with_a_message_that_is_handled(ours: bool) -> None:
    def again(ledger: Ledger) -> Ledger:
        return Ledger(0, Mark.decode(ledger.at(0).encode()), rejected_limit=6, failed_limit=6)

    ledger = again(Ledger(0, Mark()))
    for _ in range(3):
        ledger.buried(ours=ours)
        ledger.buried(ours=ours)
        ledger = again(ledger)
    assert ledger.full(ours=not ours) is None
    assert "6 messages in a row" in (ledger.full(ours=ours) or "")
    assert Mark.decode(ledger.stopped(3, "why" * 999).encode()).stopped.startswith("whywhy")
    ledger.done()
    assert ledger.full(ours=ours) is None


@pytest.mark.parametrize("metadata", [None, "", "x", "[]", "3", '{"tries": "many"}', '{"rejected": null}', "{"])
def test_metadata_of_anybody_else_says_nothing(metadata: str | None) -> None:
    assert Mark.decode(metadata) == Mark()


def test_a_mark_is_read_as_it_was_written_and_is_empty_where_it_says_nothing() -> None:
    assert Mark().encode() == ""
    mark = Mark(open=True, tries=2, rejected=3, failed=4, stopped="why: ñ")
    assert Mark.decode(mark.encode()) == mark
