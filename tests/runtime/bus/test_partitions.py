"""Topics with other partitions than the catalogue says: nothing that needs an order starts, and nothing is unread."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from consumers.alerts.subscriptions import SubscriptionBook
from consumers.deadletters import dead_letters
from polywire.supervision.following import AlertFollower
from runtime.bus.clients import client_options, create_topics, group_lag, make_admin
from runtime.bus.deadletters import DeadLetter
from runtime.bus.partitions import IN_ORDER, check_partitions
from runtime.bus.source import Record
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.codec import encode
from schemas.topics import ALERTS, CATALOGUE, CORRECTIONS, DEADLETTERS, SUBSCRIPTIONS
from tests.consumers.conftest import eventually
from tests.consumers.make import alert, subscription

pytestmark = pytest.mark.engine

OTHER = {CORRECTIONS.name: 2, SUBSCRIPTIONS.name: 3, ALERTS.name: 8, DEADLETTERS.name: 5}


@pytest.fixture(scope="module")
def larger(fresh_engine: Settings) -> Settings:
    """Engines on which somebody else has made some of the topics, with more partitions."""
    admin = make_admin(fresh_engine)
    for topic in CATALOGUE:
        count = OTHER.get(topic.name, topic.partitions)
        admin.create_topics({topic.name: {"num_partitions": count, "replication_factor": 1}})
    admin.close()
    return fresh_engine


@pytest.fixture
def producer(larger: Settings) -> Iterator[KafkaProducer]:
    one = KafkaProducer(**client_options(larger))
    yield one
    one.close()


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        f"POLYWIRE_{name.upper()}": str(getattr(settings, name))
        for name in ("kafka_bootstrap", "elasticsearch_url", "state_dir")
    }
    return subprocess.run(
        [sys.executable, "-m", "polywire", *arguments],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", [("topics", "create"), ("consume", "indexer"), ("consume", "notifier")])
def test_what_needs_an_order_does_not_start_and_says_why(larger: Settings, command: tuple[str, ...]) -> None:
    ended = run(larger, *command)
    assert ended.returncode == 1
    said = " ".join(ended.stderr.split())
    assert "Traceback" not in said
    for name in (CORRECTIONS.name, SUBSCRIPTIONS.name, ALERTS.name):
        assert f"{name} has {OTHER[name]}, not {IN_ORDER[name]}" in said
    assert DEADLETTERS.name not in said
    assert "delete them" in said


@pytest.mark.parametrize(("expected", "there"), [(2, 3), (4, 3)])
def test_fewer_is_as_wrong_as_more(larger: Settings, expected: int, there: int) -> None:
    admin = make_admin(larger)
    try:
        with pytest.raises(UserError, match=f"subscriptions has {there}, not {expected}"):
            check_partitions(admin, {SUBSCRIPTIONS.name: expected})
        check_partitions(admin, {SUBSCRIPTIONS.name: there, "not-there-yet": 7})
        assert "not-there-yet" not in admin.list_topics()
    finally:
        admin.close()


def test_topics_as_the_catalogue_makes_them_are_right(settings: Settings) -> None:
    create_topics(settings)
    assert create_topics(settings) == []


def test_every_partition_of_a_larger_topic_is_read(larger: Settings, producer: KafkaProducer) -> None:
    letter = DeadLetter.of("indexer", Record("articles.raw", 0, 7, b"k", b"v"), "broken")
    for number in range(OTHER[DEADLETTERS.name]):
        producer.send(DEADLETTERS.name, partition=number, key=b"k", value=b"v", headers=letter.headers()).get(30)
    for number in range(OTHER[SUBSCRIPTIONS.name]):
        one = subscription(f"s-{number}")
        producer.send(SUBSCRIPTIONS.name, partition=number, key=one.id.encode(), value=encode(one)).get(30)
    assert {one.id for one in dead_letters(larger)} == {f"{n}:0" for n in range(OTHER[DEADLETTERS.name])}
    book = SubscriptionBook(larger, "test", lambda letter: pytest.fail(letter.reason))
    try:
        book.catch_up()
        assert {one.subscription.id for one in book} == {"s-0", "s-1", "s-2"}
    finally:
        book.close()


def test_alerts_on_every_partition_are_shown_and_counted(larger: Settings, producer: KafkaProducer) -> None:
    told: list[str] = []
    follower = AlertFollower(larger, lambda one: told.append(one.story_id))
    follower.start()
    try:
        for number in range(OTHER[ALERTS.name]):
            one = alert(story_id=f"on-{number}")
            producer.send(ALERTS.name, partition=number, key=b"k", value=encode(one)).get(30)
        eventually("all are told", lambda: len(told) == OTHER[ALERTS.name])
    finally:
        follower.stop()
    lag = group_lag(larger, {"polywire-nobody": (ALERTS,)})
    assert lag == {"polywire-nobody": {ALERTS.name: OTHER[ALERTS.name]}}
