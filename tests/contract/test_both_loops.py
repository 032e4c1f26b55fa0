"""What holds of whoever reads a topic, in whichever loop: the stages' (Faust) or the consumers' (kafka-python).

Each test is a group of real processes on a real broker; only what is done to an article is the test's own.
"""

from __future__ import annotations

import gzip
import signal

import pytest
from kafka import KafkaProducer

from runtime.bus.clients import REQUEST_BYTES, client_options
from runtime.bus.marks import DEATHS, FAILED_LIMIT
from schemas.topics import RAW
from tests.contract.conftest import Group, eventually
from tests.contract.member import DIED, WAITS_FOR_A_PERSON

pytestmark = pytest.mark.engine


def test_what_can_never_work_is_put_aside_with_its_reason_and_its_neighbours_come_through(group: Group) -> None:
    group.start()
    bad = {
        group.put_bytes(lambda _: b"junk"): "not JSON",
        group.put_bytes(lambda _: None): "empty value",
        group.put_bytes(lambda _: b'{"schema_version": [1]}'): "schema_version",
        group.put("refuse me"): "not for me",
        group.put("fault of ours"): "ZeroDivisionError: of ours",
    }
    good = [group.put(f"good {n}") for n in range(10)]
    eventually("all that is good", lambda: set(good) <= set(group.out()))
    eventually("all that is bad", lambda: len(group.buried()) == len(bad))
    for letter in group.buried():
        assert letter.key is not None
        assert bad[letter.key.decode()] in letter.reason
    eventually("everything committed", group.settled)
    # Not each once: of a batch that an error of ours broke off, what came before it is done again.
    assert set(group.out()) == {*good, group.given[0]}


def test_a_message_larger_than_our_clients_send_is_put_aside_cut_short(group: Group) -> None:
    group.start()
    options = client_options(group.settings) | {"max_request_size": 4 * REQUEST_BYTES, "compression_type": "gzip"}
    other = KafkaProducer(**options)
    large = b'{"schema_version": 1, "text": "' + b"x" * 2 * REQUEST_BYTES + b'"}'
    assert len(gzip.compress(large)) < REQUEST_BYTES
    other.send(RAW.name, key=b"large", value=large).get(60)
    other.close()
    after = [group.put(f"after it {n}") for n in range(8)]
    eventually("all after it", lambda: set(after) <= set(group.out()), 90)
    (letter,) = eventually("its dead letter", group.buried)
    assert letter.cut_from == len(large)
    eventually("everything committed", group.settled)


def test_the_message_in_hand_is_finished_when_told_to_stop(group: Group) -> None:
    member = group.start()
    slow = group.put("wait 3")
    eventually("it to be in hand", lambda: slow in group.begun())
    member.send_signal(signal.SIGTERM)
    assert group.ended(member) == 0
    assert slow in group.out()
    assert group.settled()
    group.start()
    assert group.begun().count(slow) == 1, "an orderly end repeats nothing"


def test_what_a_killed_member_had_in_hand_is_done_by_the_next(group: Group) -> None:
    member = group.start()
    before = [group.put(f"before {n}") for n in range(6)]
    deadly = group.put("die 1")
    after = [group.put(f"after {n}") for n in range(6)]
    assert group.ended(member) == DIED
    group.start()
    eventually("everything", lambda: {*before, deadly, *after} <= set(group.out()))
    eventually("everything committed", group.settled)
    assert group.buried() == [], "one death buries nothing"


def test_lost_connections_lose_and_bury_nothing_and_keep_the_order(group: Group) -> None:
    member = group.start()
    sent = [group.put("wait 0.05") for _ in range(60)]
    for part in (10, 25, 40):
        eventually(f"{part} to be out", lambda n=part: len(group.out()) > n)  # type: ignore[misc]
        member.send_signal(signal.SIGUSR1)
    eventually("everything", lambda: set(sent) <= set(group.out()), 90)
    eventually("everything committed", group.settled, 90)
    assert group.buried() == []
    assert member.poll() is None


def test_a_message_that_ends_three_processes_is_put_aside(group: Group) -> None:
    member = group.start()
    deadly = group.put("die 99")
    after = [group.put(f"after {n}") for n in range(6)]
    for _ in range(2):
        assert group.ended(member) == DIED
        member = group.start(wait=False)
    assert group.ended(member) == DIED
    group.start(wait=False)
    eventually("all others", lambda: set(after) <= set(group.out()), 90)
    (letter,) = eventually("its dead letter", group.buried)
    assert letter.key == deadly.encode()
    assert "3 times" in letter.reason
    assert group.begun().count(deadly) == DEATHS
    eventually("everything committed", group.settled)


def test_faults_of_ours_without_end_stop_it_and_no_restart_resets_that(group: Group) -> None:
    member = group.start()
    faulty = [group.put_together("fault") for _ in range(FAILED_LIMIT + 5)]
    assert group.ended(member) == WAITS_FOR_A_PERSON
    again = group.start(wait=False)
    assert group.ended(again) == WAITS_FOR_A_PERSON
    assert f"polywire deadletters resume {group.name}" in group.log.read_text()
    buried = {letter.key for letter in group.buried()}
    assert buried == {id_.encode() for id_ in faulty[:FAILED_LIMIT]}, "nothing beyond the limit is buried"


@pytest.mark.real_engines  # the embedded engine knows of no session that ends
def test_an_effect_slower_than_the_session_is_not_repeated(group: Group) -> None:
    group.start()
    slow = group.put("wait 20")
    after = group.put("after it")
    eventually("both", lambda: {slow, after} <= set(group.out()), 90)
    eventually("everything committed", group.settled)
    assert group.begun().count(slow) == 1


@pytest.mark.real_engines  # the embedded engine hands no partitions over between two that live
def test_a_rebalance_in_the_middle_loses_and_buries_nothing(group: Group) -> None:
    first = group.start()
    sent = [group.put("wait 0.1") for _ in range(80)]
    group.start(wait=False)
    sent += [group.put("wait 0.1") for _ in range(40)]
    eventually("half", lambda: len(set(group.out()) & set(sent)) > 60, 120)
    first.send_signal(signal.SIGTERM)
    assert group.ended(first) == 0
    eventually("everything", lambda: set(sent) <= set(group.out()), 120)
    eventually("everything committed", group.settled, 60)
    assert group.buried() == []
