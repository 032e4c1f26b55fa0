"""Producers on a real Kafka: what counts as sent is there, and a kill in the middle loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from polywire.engines.embedded import EmbeddedEngine
from producers.publisher import NotAcknowledged, Publisher, TooLarge
from producers.push import make_router
from runtime.bus.clients import create_topics
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.codec import decode
from schemas.ids import article_id
from schemas.topics import RAW
from tests.bus import records_of
from tests.producers.sites import Answer, Site

pytestmark = pytest.mark.engine


@pytest.fixture
def bus(fresh_engine: Settings, tmp_path: Path) -> Settings:
    """Topics that only this module's tests write to: they read back all there is."""
    create_topics(fresh_engine)
    return fresh_engine.model_copy(update={"state_dir": tmp_path / "state"})


@pytest.fixture
def published(bus: Settings) -> Callable[[str], list[RawArticle]]:
    """Reads all articles of a source that are on the topic."""

    def read(source: str) -> list[RawArticle]:
        found = []
        for record in records_of(bus, RAW):
            article = decode(RawArticle, record.value)
            assert record.key == article.id.encode()
            if article.source == source:
                found.append(article)
        return found

    return read


def article(source: str, name: str, **fields: object) -> RawArticle:
    given: dict[str, object] = {"title": name, "text": "x", "collected": datetime.now(UTC)} | fields
    return RawArticle(id=article_id(source=source, external_id=name), source=source, **given)  # type: ignore[arg-type]


def test_publish_returns_once_kafka_holds_it(bus: Settings, published: Callable[[str], list[RawArticle]]) -> None:
    sent = [article("pub", f"n{n}") for n in range(100)]
    with Publisher.open(bus, "test") as publisher:
        publisher.publish(sent)
        assert {a.id for a in published("pub")} == {a.id for a in sent}


def test_an_article_too_large_for_the_topic_is_told_apart(
    bus: Settings, published: Callable[[str], list[RawArticle]]
) -> None:
    huge = article("large", "huge", meta={"m": "x" * 18_000_000})
    with Publisher.open(bus, "test") as publisher:
        with pytest.raises(TooLarge) as caught:
            publisher.publish([huge, article("large", "fine")])
        assert set(caught.value.failed) == {huge.id}
    assert [a.title for a in published("large")] == ["fine"]


def test_without_kafka_publish_says_so_in_time(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    started = time.monotonic()
    with Publisher.open(nowhere, "test", timeout=1.5) as publisher, pytest.raises(NotAcknowledged):
        publisher.publish([article("nowhere", "x")])
    assert time.monotonic() - started < 20


async def test_push_answers_after_kafka_has_it(bus: Settings, published: Callable[[str], list[RawArticle]]) -> None:
    app = FastAPI()
    with Publisher.open(bus, "test") as publisher:
        app.include_router(make_router(publisher))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://p.example") as client:
            answer = await client.post(
                "/articles", json=[{"title": f"t{n}", "id": n, "source": "pushed"} for n in range(20)]
            )
            assert answer.status_code == 202
            assert {a.id for a in published("pushed")} == set(answer.json()["ids"])


async def test_push_without_kafka_asks_to_come_again(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    app = FastAPI()
    with Publisher.open(nowhere, "test", timeout=1.0) as publisher:
        app.include_router(make_router(publisher))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://p.example", timeout=30
        ) as client:
            answer = await client.post("/articles", json={"title": "x"})
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


def polywire(settings: Settings, folder: Path, *arguments: str, **more: object) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "POLYWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "POLYWIRE_STATE_DIR": str(settings.state_dir),
        "POLYWIRE_ALLOW_HOSTS": json.dumps(settings.allow_hosts),
        "POLYWIRE_FEED_INTERVAL": "0.3",
    }
    command = [sys.executable, "-m", "polywire", "produce", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
    )  # type: ignore[call-overload,no-any-return]


def test_files_of_three_kinds(bus: Settings, tmp_path: Path, published: Callable[[str], list[RawArticle]]) -> None:
    """Good lines go through, bad ones are written down with number and reason, and the exit status says so."""
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "one.txt").write_bytes("Teks pertama\n\nتمام \n".encode())
    (texts / "two.txt").write_bytes(b"\xff")
    lines = tmp_path / "in.jsonl"
    lines.write_text(
        '{"id": 1, "title": "first", "source": "filed", "published_at": "2026-01-01"}\n'
        '{"id": 2,\n{"id": 3, "text": "third", "source": "filed"}\n'
    )
    process = polywire(bus, tmp_path, "files", "in.jsonl", "texts", "-", "--json", stdin=subprocess.PIPE)
    out, err = process.communicate(b'{"title": "piped", "source": "filed"}\n', timeout=60)
    assert process.returncode == 3, err
    assert json.loads(out) == {
        "in.jsonl": {"sent": 2, "rejected": 1, "unknown": {"published_at": 1}},
        "texts": {"sent": 1, "rejected": 1, "unknown": {}},
        "-": {"sent": 1, "rejected": 0, "unknown": {}},
    }
    assert {a.title or a.text for a in published("filed")} == {"first", "third", "piped"}
    (text,) = published("texts")
    assert text.text.encode() == (texts / "one.txt").read_bytes()
    (bad,) = (json.loads(line) for line in (tmp_path / "in.jsonl.rejected").read_text().splitlines())
    assert (bad["line"], bad["input"]) == (2, '{"id": 2,')
    (bad,) = (json.loads(line) for line in (tmp_path / "texts.rejected").read_text().splitlines())
    assert bad["file"] == "two.txt"
    assert not (tmp_path / "stdin.rejected").exists()


def test_what_is_left_out_is_said(bus: Settings, tmp_path: Path) -> None:
    """Fields that mean nothing here, and folders within a folder."""
    texts = tmp_path / "texts"
    (texts / "within").mkdir(parents=True)
    for path in (texts / "one.txt", texts / "within" / "two.txt"):
        path.write_text("A text.")
    (tmp_path / "in.jsonl").write_text('{"title": "first", "author": "x", "published_at": "2026-01-01"}\n')
    out, err = polywire(bus, tmp_path, "files", "in.jsonl", "texts").communicate(timeout=60)
    assert out.decode().splitlines() == [
        "in.jsonl: 1 articles sent, 0 rejected",
        "texts: 1 articles sent, 0 rejected",
    ]
    said = " ".join(err.decode().split())
    assert "in.jsonl: fields that have no meaning here and were left out: author (in 1), published_at (in 1)" in said
    assert "texts: folders within are not read, give them by name: within" in said


def test_a_kill_in_the_middle_of_polling_loses_nothing(
    bus: Settings, tmp_path: Path, site: Site, published: Callable[[str], list[RawArticle]]
) -> None:
    """Killed with -9 after about a third of the items, started again: each item is there, under the id it had."""
    count = 60
    names = [f"item{n:02}" for n in range(count)]
    entries = [{"id": name, "url": site.url(f"/{name}"), "title": name, "content_text": "Summary."} for name in names]
    body = json.dumps({"version": "https://jsonfeed.org/version/1", "items": entries}).encode()
    site.routes["/feed"] = lambda headers: (
        Answer(status=304) if headers.get("if-none-match") == '"1"' else Answer(body, headers={"ETag": '"1"'})
    )

    def slow_page(name: str) -> Callable[[dict[str, str]], Answer]:
        def answer(_headers: dict[str, str]) -> Answer:
            time.sleep(0.02)
            text = " ".join(f"The full text of {name} says {n} things of note." for n in range(20))
            return Answer(f"<html><body><article><p>{text}</p></article></body></html>".encode())

        return answer

    for name in names:
        site.routes[f"/{name}"] = slow_page(name)
    bus = bus.model_copy(update={"allow_hosts": [site.address]})
    host = site.address.partition(":")[0]
    first = polywire(bus, tmp_path, "feeds", site.url("/feed"))
    deadline = time.monotonic() + 60
    while sum(site.asked(f"/{name}") for name in names) < count // 3:
        assert time.monotonic() < deadline
        assert first.poll() is None, first.communicate()
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    before = Counter(a.id for a in published(host))
    assert 0 < len(before) < count

    second = polywire(bus, tmp_path, "feeds", site.url("/feed"))
    try:
        while len({a.id for a in published(host)}) < count:
            assert time.monotonic() < deadline
            assert second.poll() is None, second.communicate()
    finally:
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=20)
    assert second.returncode == 0
    articles = published(host)
    assert {a.id for a in articles} == {article_id(url=site.url(f"/{name}")) for name in names}
    assert before.keys() <= {a.id for a in articles}
    # At least once: only the one item in hand at the kill may be there twice.
    assert len(articles) <= count + 1
    assert all(a.text.startswith("The full text") for a in articles)


def test_a_publisher_outlives_an_outage_of_kafka(tmp_path: Path) -> None:
    """The same publisher that failed while Kafka was away sends again once it is back."""
    first = EmbeddedEngine(Settings(state_dir=tmp_path))
    addresses = first.start()
    settings = Settings(state_dir=tmp_path, kafka_bootstrap=addresses.kafka_bootstrap)
    create_topics(settings)
    port = int(addresses.kafka_bootstrap.partition(":")[2])
    with Publisher.open(settings, "test", timeout=2.0) as publisher:
        publisher.publish([article("outage", "before")])
        first.stop()
        for _ in range(2):
            with pytest.raises(NotAcknowledged):
                publisher.publish([article("outage", "during")])
        again = EmbeddedEngine(settings, kafka_port=port)
        again.start()
        try:
            create_topics(settings)
            deadline = time.monotonic() + 30
            while True:
                try:
                    publisher.publish([article("outage", "after")])
                    break
                except NotAcknowledged:
                    assert time.monotonic() < deadline
        finally:
            again.stop()
