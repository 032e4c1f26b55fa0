"""Deliveries: signed, repeated with patience, never twice, one receiver not waiting for another."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from pydantic import SecretStr
from rich.console import Console

from consumers.alerts.updates import fold_deals
from consumers.deadletters import Lying, put_back
from consumers.notifier import Notifier
from consumers.notify.dispatcher import Patience
from consumers.notify.terminal import show
from consumers.notify.webhook import retry_after, sign, verify
from runtime.bus.clients import make_producer
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.logs import configure
from runtime.settings import Settings
from schemas.alerts import Alert, Channel
from schemas.topics import ALERTS, SUBSCRIPTIONS
from tests.consumers.conftest import Bus, Start, eventually
from tests.consumers.make import alert, article, deal, subscription
from tests.consumers.receiver import Receiver

engine = pytest.mark.engine
SECRET = "correct horse"
QUICK = Patience(first=0.2, longest=1.0, give_up_after=2.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


Make = Callable[..., Notifier]


@pytest.fixture
def make(settings: Settings, receiver: Receiver, screen: io.StringIO) -> Make:
    def build(
        *, secret: str | None = SECRET, allow: bool = True, hosts: Sequence[str] = (), patience: Patience = QUICK
    ) -> Notifier:
        mine = settings.model_copy(
            update={
                "webhook_secret": SecretStr(secret) if secret else None,
                "allow_hosts": [receiver.host, *hosts] if allow else [],
            }
        )
        return Notifier(
            mine, make_client(mine), make_producer(mine, "test-notifier"), StageHealth("notifier"),
            console=Console(file=screen, width=200), patience=patience,
        )  # fmt: skip

    return build


class People:
    """Subscriptions of this test and alerts for them. Each has its own id: the topics are shared."""

    def __init__(self, bus: Bus, receiver: Receiver, prefix: str) -> None:
        self.bus, self.receiver, self.prefix = bus, receiver, prefix

    def subscribe(self, name: str, *channels: Channel) -> None:
        id_ = f"{name}-{self.prefix}"
        self.bus.put(SUBSCRIPTIONS, id_, subscription(id_, channels=list(channels)))

    def webhook(self, name: str, *, updates: bool = False) -> None:
        self.subscribe(name, Channel(kind="webhook", url=self.receiver.url(f"/{name}"), updates=updates))

    def alert(self, name: str, story: str = "s1", revision: int = 1) -> Alert:
        kind = "new" if revision == 1 else "update"
        one = alert(f"{name}-{self.prefix}", story, revision=revision, kind=kind)
        self.bus.put(ALERTS, one.subscription_id, one)
        return one


@pytest.fixture
def people(bus: Bus, receiver: Receiver, settings: Settings) -> People:
    return People(bus, receiver, settings.index_prefix)


def documents(es: Elasticsearch, settings: Settings) -> list[dict[str, object]]:
    index = f"{settings.index_prefix}-deliveries"
    es.indices.refresh(index=index)
    answer = es.search(index=index, size=100, sort=[{"created": "asc"}])
    return [hit["_source"] for hit in answer["hits"]["hits"]]


def states(es: Elasticsearch, settings: Settings) -> list[object]:
    return [document["state"] for document in documents(es, settings)]


@engine
def test_a_signed_delivery(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    people.webhook("a")
    start(make())
    one = people.alert("a")
    got = eventually("the delivery", lambda: receiver.on("/a"))[0]
    assert verify(SECRET, got.headers, got.body, now=time.time())
    assert not verify("wrong", got.headers, got.body, now=time.time())
    assert not verify(SECRET, got.headers, got.body + b" ", now=time.time())
    assert not verify(SECRET, got.headers, got.body, now=time.time() + 3600)
    assert got.headers["Idempotency-Key"] == f"{one.id}:1"
    assert json.loads(got.body) == {"type": "alert.new", "alert": one.model_dump(mode="json")}
    eventually("the record", lambda: states(es, settings) == ["delivered"])


@engine
def test_a_replay_and_a_restart_send_nothing_twice(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    people.webhook("a", updates=True)
    first = start(make())
    people.alert("a")
    people.alert("a", revision=2)
    people.alert("a")
    eventually("both", lambda: states(es, settings) == ["delivered"] * 2)
    first.stop()
    second = start(make())
    people.alert("a")
    people.alert("a", revision=2)
    people.alert("a", revision=3)
    eventually("the third", lambda: len(receiver.on("/a")) == 3)
    eventually("all handled", lambda: second.health.report().handled == 3)
    assert [got.headers["Idempotency-Key"].split(":")[1] for got in receiver.on("/a")] == ["1", "2", "3"]


@engine
def test_a_receiver_that_fails_and_recovers(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    receiver.answers["/a"] = [(500, {}), (503, {"Retry-After": "1"})]
    people.webhook("a", updates=True)
    start(make(patience=Patience(first=0.1, longest=0.5, give_up_after=60)))
    people.alert("a")
    people.alert("a", revision=2)
    eventually("delivered", lambda: len(receiver.on("/a")) == 4)
    got = receiver.on("/a")
    assert [g.headers["Idempotency-Key"].split(":")[1] for g in got] == ["1", "1", "1", "2"], (
        "in order, nothing skipped"
    )
    assert got[2].at - got[1].at >= 1.0, "as long as Retry-After asks"
    assert all(verify(SECRET, g.headers, g.body, now=time.time()) for g in got)
    eventually("recorded", lambda: states(es, settings) == ["delivered"] * 2)


@pytest.fixture
def log_file(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """What is logged meanwhile, by libraries as well."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    file = tmp_path / "everything.log"
    configure(settings.model_copy(update={"log_format": "json"}), file=file)
    yield file
    root.handlers[0].close()
    root.handlers[:] = before
    root.setLevel(level)


@engine
@pytest.mark.parametrize("status", [500, 410])
def test_the_address_of_a_webhook_is_shown_nowhere(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings, bus: Bus,
    log_file: Path, status: int,
) -> None:  # fmt: skip
    """Who knows it may post there: it is the key as well."""
    receiver.answers["/sesame"] = [(status, {})] * 50
    people.webhook("sesame")
    people.subscribe("typo", Channel(kind="webhook", url="http://user:sesame@127.0.0.1:9/sesame"))
    start(make())
    one, other = people.alert("sesame"), people.alert("typo")
    letters = eventually("both are given up", lambda: both if len(both := bus.dead_letters()) == 2 else None)
    for letter in letters:
        assert "/sesame" not in letter.reason
        assert "user" not in letter.reason.partition("a user name")[0]
    assert any(letter.reason.startswith(f"http://{receiver.host}: ") for letter in letters)
    logged = log_file.read_text(encoding="utf-8")
    assert "delivery given up" in logged
    assert one.id in logged
    assert other.id in logged
    assert "/sesame" not in logged
    assert "user:" not in logged
    eventually("recorded", lambda: states(es, settings) == ["failed"] * 2)
    found = es.search(index=f"{settings.index_prefix}-deliveries", source_excludes=["origin"])
    assert "/sesame" not in str(found["hits"]["hits"])


@engine
def test_a_slow_or_dead_receiver_holds_up_nobody(people: People, start: Start, make: Make, receiver: Receiver) -> None:
    slow = receiver.held["/slow"] = threading.Event()
    receiver.answers["/broken"] = [(500, {})] * 1000
    for name in ("slow", "broken", "quick"):
        people.webhook(name)
    people.subscribe("dead", Channel(kind="webhook", url="http://127.0.0.1:9/"))
    start(make(patience=Patience(first=0.2, longest=30, give_up_after=60)))
    for story in ("s1", "s2", "s3"):
        for name in ("slow", "broken", "dead", "quick"):
            people.alert(name, story)
    eventually("the quick one", lambda: len(receiver.on("/quick")) == 3)
    assert receiver.on("/slow") == []
    slow.set()


@engine
def test_giving_up_is_a_dead_letter_that_can_be_put_back(
    people: People, start: Start, make: Make, receiver: Receiver, bus: Bus, es: Elasticsearch, settings: Settings
) -> None:
    receiver.answers["/a"] = [(500, {})] * 1000
    receiver.answers["/gone"] = [(410, {})]
    people.webhook("a")
    people.webhook("gone")
    start(make())
    one = people.alert("a")
    people.alert("gone")
    letters = eventually("both dead letters", lambda: len(found := bus.dead_letters()) == 2 and found, 60)
    reasons = sorted(letter.reason for letter in letters)
    assert "given up after" in reasons[0]
    assert "the receiver answered 500" in reasons[0]
    assert reasons[1].endswith("the receiver answered 410 Gone")
    assert len(receiver.on("/gone")) == 1, "a refusal is not repeated"
    eventually("the records", lambda: states(es, settings) == ["failed"] * 2)
    receiver.answers.clear()
    before = len(receiver.on("/a"))
    [letter] = [found for found in letters if found.value and one.id.encode() in found.value]
    assert len(put_back(bus.producer, [Lying("0:0", letter, None)])) == 1
    eventually("the delivery", lambda: len(receiver.on("/a")) == before + 1)
    eventually("the record", lambda: sorted(states(es, settings)) == ["delivered", "failed"])


@engine
def test_private_addresses_are_refused(people: People, start: Start, make: Make, receiver: Receiver, bus: Bus) -> None:
    people.webhook("a")
    start(make(allow=False))
    people.alert("a")
    [letter] = eventually("the dead letter", bus.dead_letters)
    assert "127.0.0.1, which is not public" in letter.reason
    assert receiver.got == []


@engine
def test_nothing_goes_out_unsigned_and_what_waits_for_the_secret_goes_out_once_it_is_set(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    people.webhook("a")
    without = start(make(secret=None, patience=Patience(first=1, longest=60, give_up_after=600)))
    people.alert("a")

    def reasons() -> list[str]:
        return [str(one["last_error"]) for one in documents(es, settings) if one.get("last_error")]

    assert "POLYWIRE_WEBHOOK_SECRET" in eventually("a try", reasons)[0]
    assert receiver.got == []
    without.stop()
    start(make())
    eventually("the delivery", lambda: states(es, settings) == ["delivered"])
    assert len(receiver.on("/a")) == 1


@engine
def test_what_was_not_delivered_is_delivered_after_a_restart(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    receiver.answers["/a"] = [(503, {})] * 3
    people.webhook("a")
    first = start(make(patience=Patience(first=5, longest=60, give_up_after=600)))
    people.alert("a")
    eventually("a try", lambda: receiver.on("/a"))
    eventually("its handling", lambda: first.health.report().handled == 1)
    first.stop()
    receiver.answers.clear()
    start(make())
    eventually("the delivery", lambda: states(es, settings) == ["delivered"])
    assert len(receiver.on("/a")) == 2


@engine
def test_a_record_that_is_gone_holds_up_nobody(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    receiver.answers["/a"] = [(503, {})]
    people.webhook("a")
    start(make(patience=Patience(first=1.5, longest=2, give_up_after=600)))
    people.alert("a", "s1")
    eventually("a try", lambda: receiver.on("/a"))
    index = f"{settings.index_prefix}-deliveries"
    es.indices.refresh(index=index)
    for hit in es.search(index=index)["hits"]["hits"]:
        es.delete(index=index, id=hit["_id"], refresh=True)
    people.alert("a", "s2")
    eventually("both", lambda: len(receiver.on("/a")) == 3)
    eventually("both on record", lambda: states(es, settings) == ["delivered"] * 2)


@engine
def test_a_webhook_that_took_another_s_place_gets_what_waits(
    people: People, start: Start, make: Make, receiver: Receiver, es: Elasticsearch, settings: Settings
) -> None:
    receiver.answers["/old"] = [(503, {})] * 100
    people.webhook("old")
    start(make(patience=Patience(first=0.5, longest=0.5, give_up_after=600)))
    one = people.alert("old")
    eventually("a try", lambda: receiver.on("/old"))
    people.subscribe("old", Channel(kind="webhook", url=receiver.url("/new")))
    [got] = eventually("the delivery", lambda: receiver.on("/new"))
    assert got.headers["Idempotency-Key"] == f"{one.id}:1"
    eventually("the record", lambda: states(es, settings) == ["delivered"])


@engine
def test_who_has_unsubscribed_is_told_no_more(
    people: People, start: Start, make: Make, receiver: Receiver, bus: Bus, es: Elasticsearch, settings: Settings
) -> None:
    receiver.answers["/a"] = [(503, {})]
    people.webhook("a")
    start(make(patience=Patience(first=15, longest=15, give_up_after=600)))
    people.alert("a")
    eventually("a try", lambda: receiver.on("/a"))
    bus.put(SUBSCRIPTIONS, f"a-{settings.index_prefix}", None)
    eventually("it to be dropped", lambda: states(es, settings) == ["dropped"])
    assert len(receiver.on("/a")) == 1
    assert bus.dead_letters() == []


@engine
def test_who_is_muted_is_told_afterwards(
    people: People, start: Start, make: Make, receiver: Receiver, bus: Bus, es: Elasticsearch, settings: Settings
) -> None:
    id_ = f"a-{settings.index_prefix}"
    until = datetime.now(UTC) + timedelta(seconds=8)
    channel = Channel(kind="webhook", url=receiver.url("/a"))
    bus.put(SUBSCRIPTIONS, id_, subscription(id_, channels=[channel], muted_until=until))
    other = f"b-{settings.index_prefix}"
    bus.put(SUBSCRIPTIONS, other, subscription(other, channels=[channel]))
    start(make(patience=Patience(first=0.2, longest=0.2, give_up_after=0)))
    people.alert("a")
    people.alert("b")
    eventually("that of another, to the same place", lambda: receiver.on("/a"))
    assert datetime.now(UTC) < until
    eventually("the delivery", lambda: states(es, settings) == ["delivered"] * 2)
    assert datetime.now(UTC) >= until
    assert len(receiver.on("/a")) == 2


@engine
def test_a_receiver_that_drips_its_answer_is_cut_off(
    people: People, start: Start, make: Make, es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.notify.webhook.TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_drip, args=(server,), daemon=True).start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        people.subscribe("a", Channel(kind="webhook", url=f"http://{host}/a"))
        start(make(hosts=[host], patience=Patience(first=60, longest=60, give_up_after=600)))
        people.alert("a")

        def said() -> list[str]:
            return [str(each["last_error"]) for each in documents(es, settings) if each.get("last_error")]

        assert eventually("its end", said) == ["no answer within 1 s"]


def _drip(server: socket.socket) -> None:
    with suppress(OSError):
        connection, _ = server.accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.2)


@engine
def test_updates_go_only_to_channels_that_want_them_and_nobody_to_the_removed(
    people: People, start: Start, make: Make, receiver: Receiver, screen: io.StringIO, bus: Bus, settings: Settings
) -> None:
    people.subscribe("a", Channel(kind="webhook", url=receiver.url("/a")), Channel(kind="terminal", updates=True))
    running = start(make())
    people.alert("a")
    people.alert("a", revision=2)
    bus.put(SUBSCRIPTIONS, f"gone-{settings.index_prefix}", None)
    people.alert("gone")
    eventually("three handled", lambda: running.health.report().handled == 3)
    eventually("the update on the terminal", lambda: "update" in screen.getvalue())
    assert screen.getvalue().count("ALERT") == 1
    assert len(receiver.got) == 1


def test_the_terminal_shows_text_as_text() -> None:
    out = io.StringIO()
    hostile = alert(
        title="[bold red]x[/] \x1b]0;owned\x07 \u202etxet", subscription_name="[link=x]y", article_url="http://[x]"
    )
    show(Console(file=out, width=200), hostile)
    shown = out.getvalue()
    assert "[bold red]x[/]" in shown
    assert "[link=x]y" in shown
    assert "\x1b]0" not in shown
    assert "\u202e" not in shown
    assert len(shown.strip().splitlines()) == 3


def test_an_update_is_one_line() -> None:
    out = io.StringIO()
    show(Console(file=out, width=40), alert(kind="update", revision=2, languages=["ms", "ar"], article_count=2))
    assert len(out.getvalue().splitlines()) == 1
    assert "2 articles in ms, ar" in out.getvalue()


def test_signatures_are_what_the_documentation_says() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    assert sign("secret", "1700000000", b"{}") == (
        "v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
    )


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (None, 0, 0),
        ("120", 120, 120),
        ("soon", 0, 0),
        ("-5", 0, 0),
        ("999999", 3600, 3600),
    ],
)
def test_retry_after(value: str | None, low: float, high: float) -> None:
    assert low <= retry_after(value) <= high


def test_retry_after_as_a_date() -> None:
    now = datetime.now(UTC)
    assert 55 <= retry_after(format_datetime(now + timedelta(seconds=60))) <= 61
    assert retry_after(format_datetime(now - timedelta(seconds=60))) == 0


def test_pauses_grow_to_a_limit() -> None:
    patience = Patience(first=2, longest=60)
    for attempts, expected in ((1, 2), (2, 4), (5, 32), (6, 60), (500, 60)):
        assert 0.8 * expected <= patience.pause(attempts) <= 1.2 * expected


def test_deals_are_named_on_the_terminal() -> None:
    out = io.StringIO()
    show(Console(file=out, width=200), alert(deals=fold_deals([], article(1, deals=[deal()]))))
    assert "sale (reported, 0.90)" in out.getvalue()
