"""What is to be committed at each step of a message's way."""

from __future__ import annotations

import pytest

from runtime.bus.accounts import Accounts
from runtime.bus.marks import Mark
from runtime.bus.source import Record

PLACE, OTHER = ("t", 0), ("t", 1)


def record(offset: int) -> Record:
    return Record(*PLACE, offset, b"k", b"v")


@pytest.fixture
def accounts() -> Accounts:
    """A partition whose last owner was killed with the message 7 in hand."""
    accounts = Accounts()
    accounts.came(PLACE, 7, Mark(open=True, tries=1))
    return accounts


def test_a_partition_that_comes_is_said_to_be_in_hand(accounts: Accounts) -> None:
    assert accounts.due == {PLACE: (7, Mark(open=True, tries=1))}


def test_what_is_committed_is_due_no_more_and_what_has_come_since_is(accounts: Accounts) -> None:
    before = accounts.due
    accounts.came(OTHER, 3, Mark())
    accounts.committed(before)
    assert accounts.due == {OTHER: (3, Mark(open=True))}
    before = accounts.due
    accounts.reached(OTHER, 4)
    accounts.committed(before)
    assert accounts.due == {OTHER: (4, Mark(open=True))}


def test_each_try_is_counted_on_the_message_it_was_of(accounts: Accounts) -> None:
    accounts.take(record(7))
    assert accounts.due == {PLACE: (7, Mark(open=True, tries=2))}
    accounts.take(record(8))
    assert accounts.due == {PLACE: (8, Mark(open=True, tries=1))}


def test_a_message_that_waits_for_something_broken_is_not_to_blame(accounts: Accounts) -> None:
    accounts.take(record(7))
    accounts.put_back(record(7))
    assert accounts.due == {PLACE: (7, Mark(open=True, tries=1))}


def test_dead_letters_before_an_offset_stand_beside_it(accounts: Accounts) -> None:
    accounts.buried(record(7), ours=False)
    accounts.reached(PLACE, 8)
    assert accounts.due == {PLACE: (8, Mark(open=True, rejected=1))}


def test_tries_stay_with_their_message_where_nothing_was_done(accounts: Accounts) -> None:
    accounts.reached(PLACE, 7)
    assert accounts.due == {PLACE: (7, Mark(open=True, tries=1))}
    accounts.goodbye()
    assert accounts.due == {PLACE: (7, Mark(tries=1))}


def test_a_stage_that_waits_for_a_person_says_so_and_no_goodbye_takes_it_back(accounts: Accounts) -> None:
    accounts.came(OTHER, 3, Mark())
    accounts.stopped(record(7), "why")
    accounts.goodbye()
    assert accounts.due == {PLACE: (7, Mark(tries=1, stopped="why")), OTHER: (3, Mark())}
