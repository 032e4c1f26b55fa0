"""A thousand messages that can never work on every topic, among good ones, before a whole polywire.

Each ends in the dead letters of every stage that reads it, with its reason and as it came; its neighbours come through;
every process that was there before is there after; what the dead letters hold by mistake is put back, once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaProducer

from runtime.bus.clients import REQUEST_BYTES, client_options, group_lag
from runtime.bus.deadletters import DeadLetter
from runtime.bus.groups import GROUPS
from schemas.alerts import Alert
from schemas.articles import RawArticle
from schemas.codec import decode
from schemas.topics import ALERTS, ANALYZED, CLUSTERED, CORRECTIONS, DEADLETTERS, ENRICHED, RAW, STORIES, SUBSCRIPTIONS
from tests.bus import records_of
from tests.e2e.conftest import Polywire, eventually
from tests.poison.kinds import TOPICS, Poison, as_bytes, good, poison

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

EACH = 1_000
"""Bad messages on a topic; after every so many of them there is a good one."""
NEIGHBOUR = 25
READERS = {
    RAW.name: {"analyze"}, ANALYZED.name: {"cluster"}, CLUSTERED.name: {"enrich"}, CORRECTIONS.name: {"cluster"},
    ENRICHED.name: {"indexer", "alerter"}, STORIES.name: {"indexer"}, ALERTS.name: {"indexer", "notifier"},
    SUBSCRIPTIONS.name: {"alerter"},
}  # fmt: skip
INDEXED = {
    RAW.name: "articles", ANALYZED.name: "articles", CLUSTERED.name: "articles", ENRICHED.name: "articles",
    STORIES.name: "stories", ALERTS.name: "alerts",
}  # fmt: skip

Place = tuple[str, int, int]


class Bus:
    """Puts anything on a topic, compressed in any way."""

    def __init__(self, polywire: Polywire) -> None:
        self._options = client_options(polywire.settings) | {"max_request_size": REQUEST_BYTES, "linger_ms": 5}
        self._producers: dict[str | None, KafkaProducer] = {}

    def send(self, topic: str, key: bytes | None, value: bytes | None, codec: str | None = None, **how: Any) -> Any:
        if codec not in self._producers:
            self._producers[codec] = KafkaProducer(**self._options, compression_type=codec)
        return self._producers[codec].send(topic, key=key, value=value, **how)

    def close(self) -> None:
        for producer in self._producers.values():
            producer.close(timeout=30)


@pytest.fixture
def bus(polywire: Polywire) -> Iterator[Bus]:
    one = Bus(polywire)
    yield one
    one.close()


class Letters:
    """The dead letters, each read once."""

    def __init__(self, polywire: Polywire) -> None:
        self._settings = polywire.settings
        self._starts: dict[int, int] = {}
        self.found: dict[tuple[Place, str], list[DeadLetter]] = {}

    def read(self) -> dict[tuple[Place, str], list[DeadLetter]]:
        """Those so far, by where they came from and by the stage that could not use them."""
        for record in records_of(self._settings, DEADLETTERS, self._starts):
            self._starts[record.partition] = record.offset + 1
            letter = DeadLetter.parse(record.headers, record.value)
            place = letter.topic, letter.partition, letter.offset
            self.found.setdefault((place, letter.stage), []).append(letter)
        return self.found


def settled(polywire: Polywire) -> bool:
    """Nothing waits, for any stage."""
    groups = {**GROUPS, "polywire-cluster": (ANALYZED, CORRECTIONS)}
    return not any(sum(lag.values()) for lag in group_lag(polywire.settings, groups).values())


def test_a_thousand_on_every_topic(polywire: Polywire, bus: Bus) -> None:
    before = {p.name: p.pid for p in polywire.supervisor.processes}
    sent: dict[Place, Poison] = {}
    neighbours: dict[str, set[str]] = {topic.name: set() for topic in TOPICS}
    started = time.monotonic()
    for topic in TOPICS:
        waiting = []
        for n in range(EACH):
            bad = poison(topic, n)
            if bad.timestamp and bad.timestamp > time.time() * 1000 and polywire.settings.engines != "embedded":
                continue  # the real Kafka takes nothing from the future, nor what is in one batch with it
            how = {"headers": bad.headers, "timestamp_ms": bad.timestamp}
            waiting.append((bad, bus.send(topic.name, bad.key, bad.value, bad.codec, **how)))
            if n % NEIGHBOUR == 0:
                key, fields = good(topic, 10_000 + n)
                waiting.append((None, bus.send(topic.name, key, as_bytes(fields))))
                neighbours[topic.name].add(fields["id"])
        for one, future in waiting:
            record = future.get(60)
            if one is not None:
                sent[topic.name, record.partition, record.offset] = one
    expected = {(place, stage) for place in sent for stage in READERS[place[0]]}
    print(f"{len(sent)} sent in {time.monotonic() - started:.0f} s")

    letters = Letters(polywire)
    eventually(
        "all of them among the dead letters",
        lambda: expected <= letters.read().keys(),
        600,
        explain=lambda: str(
            Counter((sent[place].kind, place[0], stage) for place, stage in expected - letters.found.keys())
        ),
    )
    print(f"{len(letters.found)} letters after {time.monotonic() - started:.0f} s")
    for name, index in INDEXED.items():
        eventually(f"the neighbours on {name}", lambda n=name, i=index: neighbours[n] <= polywire.documents(i).keys())
    eventually("nothing waits", lambda: settled(polywire))
    print(f"all through after {time.monotonic() - started:.0f} s")

    assert letters.read().keys() == expected, "nothing but the bad ones, and each at its own stages"
    for (place, stage), found in letters.found.items():
        bad = sent[place]
        assert len(found) == 1, f"{bad.kind} at {stage}: told {len(found)} times"
        (letter,) = found
        assert letter.reason, bad.kind
        assert bad.reason in letter.reason, f"{bad.kind} at {stage}: {letter.reason}"
        assert (letter.value or None) == (bad.value or None), f"{bad.kind} at {stage}: not the bytes that came"
        assert (letter.key, letter.replays) == (bad.key, 0), bad.kind
    assert {p.name: p.pid for p in polywire.supervisor.processes} == before, "\n".join(polywire.told)


def test_after_it_a_story_is_still_found_and_told(polywire: Polywire) -> None:
    """What the stages remember has not been poisoned: two reports of one event are one story, and alert once."""
    now = datetime.now(UTC)
    polywire.subscribe("after-poison", "title:lighthouse")
    text = "The old lighthouse of Brekkurvik was lit again last night, forty years after its keeper had left it."
    reports = [
        RawArticle(id=f"after-poison-{n}", source=f"s{n}.example", title=title, text=text + f" ({n})", collected=now)
        for n, title in enumerate(("The lighthouse of Brekkurvik is lit again", "Brekkurvik: lighthouse lit again"))
    ]
    polywire.put(reports)
    found = eventually(
        "both reports",
        lambda: docs if len(docs := polywire.article_documents({r.id for r in reports})) == 2 else None,
    )
    assert len({doc["story_id"] for doc in found.values()}) == 1

    def told() -> list[Alert]:
        alerts = [alert for r in polywire.read(ALERTS) if (alert := _alert(r.value)) is not None]
        return [alert for alert in alerts if alert.subscription_id == "after-poison" and alert.kind == "new"]

    eventually("the alert", lambda: bool(told()))
    assert len(told()) == 1


def _alert(value: bytes) -> Alert | None:
    try:
        return decode(Alert, value)
    except ValueError:
        return None


def test_what_was_mended_is_put_back_once(polywire: Polywire, bus: Bus) -> None:
    """Letters of good messages, as a fault of ours that is mended now has left them; one whose fault remains; and junk
    on the topic of the dead letters itself, which must not keep the others from being listed and put back."""
    bus.send(DEADLETTERS.name, b"junk", b"junk", headers=[("time", b"2026-01-01T00:00:00"), ("offset", b"x")])
    bus.send(DEADLETTERS.name, b"junk", None, headers=[("replay-of", b"\xff\xfe"), ("replays", b"9" * 5_000)])
    mended: dict[str, str] = {}
    now = datetime.now(UTC)
    for number, name in enumerate(INDEXED):
        topic = next(topic for topic in TOPICS if topic.name == name)
        key, fields = good(topic, 20_000 + number)
        mended[fields["id"]] = INDEXED[name]
        letter = DeadLetter("a stage", "a fault since mended", name, 0, 10**9 + number, key, as_bytes(fields), now)
        bus.send(DEADLETTERS.name, letter.record_key, letter.value, headers=letter.headers()).get(60)
    still = DeadLetter("a stage", "a fault since mended", RAW.name, 0, 10**9 + 99, b"k", b"still not JSON", now)
    bus.send(DEADLETTERS.name, still.record_key, still.value, headers=still.headers()).get(60)

    first = _replay(polywire)
    assert len(first["put_back"]) == len(mended) + 1
    for id_, index in mended.items():
        eventually(f"{id_} in the index", lambda i=id_, n=index: i in polywire.documents(n))
    letters = Letters(polywire)
    eventually(
        "the one that is still bad, back again",
        lambda: any(one.value == still.value and one.replays for found in letters.read().values() for one in found),
    )
    assert _replay(polywire)["put_back"] == [], "each is put back once"
    eventually("nothing waits", lambda: settled(polywire))
    for name in INDEXED:
        topic = next(topic for topic in TOPICS if topic.name == name)
        there = Counter(record.value for record in polywire.read(topic))
        for number, each in enumerate(INDEXED):
            if each == name:
                assert there[as_bytes(good(topic, 20_000 + number)[1])] <= 1


def _replay(polywire: Polywire) -> Any:
    environment = {
        "POLYWIRE_KAFKA_BOOTSTRAP": polywire.settings.kafka_bootstrap,
        "POLYWIRE_ELASTICSEARCH_URL": polywire.settings.elasticsearch_url,
        "POLYWIRE_STATE_DIR": str(polywire.settings.state_dir),
    }
    command = ["deadletters", "replay", "--all", "--reason", "since mended", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "polywire", *command],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
