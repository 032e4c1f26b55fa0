"""Polling: what is new is sent once, what changed is sent again, what fails stops nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from polywire.supervision.process import fetch_health, free_port
from producers.feeds import service
from producers.feeds.demo_server import DemoServer
from producers.feeds.fetch import Fetcher
from producers.feeds.poller import Poller
from producers.feeds.schedule import GONE, MAX_BACKOFF, MAX_RETRY_AFTER, next_delay
from producers.feeds.service import run_feeds
from producers.feeds.state import FORGET_AFTER, FeedState, StateStore
from producers.publisher import NotAcknowledged, Publisher, TooLarge
from runtime.health import StageHealth
from runtime.settings import FeedSettings, Settings
from tests.producers.sites import Answer, KeptArticles, Site

SEEDS = Path(__file__).parents[2] / "seeds"


def feed_of(*entries: dict[str, object], etag: str | None = None) -> Answer:
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": entries}).encode()
    return Answer(body, headers={"ETag": etag} if etag else {})


def entry(name: str, text: str = "x" * 600) -> dict[str, object]:
    return {"id": name, "url": f"/{name}", "title": name, "content_text": text}


@pytest.fixture
def state(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "deep" / "feeds.sqlite")


@pytest.fixture
async def poller(site: Site, kept: KeptArticles, state: StateStore) -> AsyncIterator[Poller]:
    async def no_time(_seconds: float) -> None:
        pass

    async with Fetcher([site.address], timeout=5.0) as fetcher:
        yield Poller(fetcher, state, kept, StageHealth("feeds"), patience=0.0, sleep=no_time)


async def test_new_items_once_changed_items_again(site: Site, kept: KeptArticles, poller: Poller) -> None:
    feed = FeedSettings(url=site.url("/feed"))
    site.routes["/feed"] = feed_of(entry("b"), entry("a"))
    assert (await poller.poll(feed)).sent == 2
    assert [article.title for article in kept.articles] == ["a", "b"]
    assert (await poller.poll(feed)).sent == 0
    site.routes["/feed"] = feed_of(entry("c"), entry("b", "y" * 600), entry("a"))
    result = await poller.poll(feed)
    assert (result.sent, result.unchanged) == (2, 1)
    b, b_again = (article for article in kept.articles if article.title == "b")
    assert b.id == b_again.id
    assert b_again.text == "y" * 600
    assert b_again.collected > b.collected


async def test_validators_are_sent_only_once_everything_is_done(site: Site, kept: KeptArticles, poller: Poller) -> None:
    def answer(headers: dict[str, str]) -> Answer:
        return (
            Answer(status=304)
            if headers.get("if-none-match") == '"v1"'
            else feed_of(entry("b"), entry("a"), etag='"v1"')
        )

    site.routes["/feed"] = answer
    feed = FeedSettings(url=site.url("/feed"))
    kept.failures = [NotAcknowledged]
    with pytest.raises(NotAcknowledged):
        await poller.poll(feed)
    assert (await poller.poll(feed)).sent == 2
    assert (await poller.poll(feed)).sent == 0
    assert [headers.get("if-none-match") for _, headers in site.requests] == [None, None, '"v1"']


async def test_kafka_away_is_waited_for_without_losing_an_item(
    site: Site, kept: KeptArticles, state: StateStore
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    site.routes["/feed"] = feed_of(entry("b"), entry("a"))
    kept.failures = [NotAcknowledged] * 3
    health = StageHealth("feeds")
    async with Fetcher([site.address]) as fetcher:
        result = await Poller(fetcher, state, kept, health, sleep=pause).poll(FeedSettings(url=site.url("/feed")))
    assert result.sent == 2
    assert pauses == [pytest.approx(expected, rel=0.21) for expected in (1.0, 2.0, 4.0)]
    assert health.report().retries == 3


async def test_an_oversized_item_is_counted_told_once_and_stops_nothing(
    site: Site, kept: KeptArticles, poller: Poller
) -> None:
    feed = FeedSettings(url=site.url("/feed"))
    site.routes["/feed"] = feed_of(entry("b"), entry("a"))
    kept.failures = [TooLarge]
    result = await poller.poll(feed)
    assert (result.sent, result.rejected) == (1, 1)
    site.routes["/feed"] = feed_of(entry("c"), entry("b"), entry("a"))
    result = await poller.poll(feed)
    assert (result.sent, result.rejected) == (1, 0)


def page(title: str, text: str) -> Answer:
    body = f"<html><body><nav>Menu</nav><article><h1>{title}</h1><p>{text}</p></article></body></html>".encode()
    return Answer(body, headers={"Content-Type": "text/html"})


async def test_full_text_of_summaries(site: Site, kept: KeptArticles, poller: Poller) -> None:
    full = " ".join(f"On day {n} the envoys met in hall {n * 7} and agreed on point {n * 3}." for n in range(1, 20))
    for name in ("short", "long", "never"):
        site.routes[f"/{name}"] = page(name, full)
    site.routes["/feed"] = feed_of(entry("short", "Summary."), entry("long"))
    site.routes["/other"] = feed_of(entry("never", "Summary."))
    await poller.poll(FeedSettings(url=site.url("/feed")))
    await poller.poll(FeedSettings(url=site.url("/other"), full_text="never"))
    texts = {article.title: article for article in kept.articles}
    assert texts["short"].text.strip() == full.strip()
    assert texts["short"].meta["text_from"] == "page"
    assert texts["long"].text == "x" * 600
    assert texts["never"].text == "Summary."
    assert site.asked("/long") == site.asked("/never") == 0


async def test_a_page_that_cannot_be_had_leaves_the_summary(site: Site, kept: KeptArticles, poller: Poller) -> None:
    site.routes["/bad"] = Answer(status=503)
    elsewhere = {**entry("private", "Summary."), "url": "http://169.254.169.254/latest/meta-data"}
    site.routes["/feed"] = feed_of(entry("bad", "Summary."), entry("gone", "Summary."), elsewhere)
    assert (await poller.poll(FeedSettings(url=site.url("/feed")))).sent == 3
    assert {article.text for article in kept.articles} == {"Summary."}
    reasons = {article.title: article.meta["text_from"] for article in kept.articles}
    assert "503" in reasons["bad"]
    assert "404" in reasons["gone"]
    assert "not public" in reasons["private"]
    assert site.asked("/bad") == 2
    assert site.asked("/gone") == 1


async def test_a_site_that_does_not_answer_is_not_asked_for_every_page(
    site: Site, kept: KeptArticles, poller: Poller
) -> None:
    for n in range(10):
        site.routes[f"/p{n}"] = Answer(status=500)
    site.routes["/feed"] = feed_of(*(entry(f"p{n}", "Summary.") for n in range(10)))
    assert (await poller.poll(FeedSettings(url=site.url("/feed")))).sent == 10
    assert sum(site.asked(f"/p{n}") for n in range(10)) == 6
    assert len(kept.articles) == 10


def test_state_survives_being_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "feeds.sqlite"
    state = StateStore(path)
    assert state.feed("u") == FeedState()
    state.mark("u", "item", "rev1")
    state.schedule("u", next_poll=5.0, failures=2, error="x")
    state.finish("u", etag="e", last_modified=None, digest="d")
    # No close: as after a kill.
    again = StateStore(path)
    assert again.feed("u") == FeedState("e", None, "d", 5.0, 2, "x")
    assert again.revision("u", "item") == "rev1"
    assert again.revision("other", "item") is None
    again.mark("u", "item", "rev2")
    assert state.revision("u", "item") == "rev2"


def test_items_long_gone_are_forgotten(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    state.mark("u", "gone", "r")
    state.mark("u", "there", "r")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + FORGET_AFTER + 1)
    state.touch("u", ["there"])
    assert state.forget_old() == 1
    assert state.revision("u", "there") == "r"


def test_schedule() -> None:
    random = Random(1)
    assert {270 <= next_delay(300, 0, random) <= 330 for _ in range(100)} == {True}
    assert len({next_delay(300, 0, random) for _ in range(100)}) == 100
    assert 1080 <= next_delay(300, 2, random) <= 1320
    assert next_delay(300, 50, random) <= MAX_BACKOFF * 1.1
    assert next_delay(10 * MAX_BACKOFF, 5, random) >= 9 * MAX_BACKOFF
    assert 1000 <= next_delay(300, 1, random, retry_after=1000) <= 1100
    assert next_delay(300, 1, random, retry_after=1e9) <= MAX_RETRY_AFTER * 1.1
    assert next_delay(300, 1, random, gone=True) >= GONE * 0.9


@pytest.fixture
def feed_settings(site: Site, tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, allow_hosts=[site.address], feed_interval=0.2)


@pytest.fixture
def to_kept(kept: KeptArticles, monkeypatch: pytest.MonkeyPatch) -> KeptArticles:
    monkeypatch.setattr(Publisher, "open", lambda *_, **__: kept)
    return kept


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def polling(settings: Settings, *feeds: FeedSettings) -> AsyncIterator[None]:
    """The feeds' service for as long as the block lasts; then it is stopped as Ctrl-C stops it."""
    running = asyncio.create_task(run_feeds(settings, list(feeds)))
    try:
        yield
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the service logs."""
    lines: list[dict[str, Any]] = []
    for level in ("info", "warning", "error"):
        monkeypatch.setattr(service.log, level, lambda event, **fields: lines.append({"event": event, **fields}))
    return lines


async def test_bad_feeds_stop_no_good_one(
    site: Site, to_kept: KeptArticles, feed_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.routes["/good"] = feed_of(entry("one"))
    site.routes["/html"] = Answer(b"<html>Not here</html>")
    site.routes["/error"] = Answer(status=500)
    site.routes["/odd"] = feed_of(entry("odd"))
    real = service.Poller.poll

    async def poll(self: Poller, feed: FeedSettings) -> object:
        if feed.url.endswith("/odd"):
            raise RuntimeError("a bug of ours")
        return await real(self, feed)

    monkeypatch.setattr(service.Poller, "poll", poll)
    names = ("html", "error", "odd", "missing", "good")
    feeds = [FeedSettings(url=site.url(f"/{name}")) for name in names]
    feeds.append(FeedSettings(url="http://10.0.0.1/private"))
    async with polling(feed_settings, *feeds):
        await until(lambda: len(to_kept.articles) == 1)
        site.routes["/good"] = feed_of(entry("two"), entry("one"))
        await until(lambda: len(to_kept.articles) == 2)
        site.routes["/error"] = feed_of(entry("mended"))
        await until(lambda: any(article.title == "mended" for article in to_kept.articles))


async def test_retry_after_is_respected_across_a_restart(
    site: Site, to_kept: KeptArticles, feed_settings: Settings, said: list[dict[str, Any]]
) -> None:
    site.routes["/busy"] = Answer(status=429, headers={"Retry-After": "3600"})
    feed = FeedSettings(url=site.url("/busy"))
    async with polling(feed_settings, feed):
        await until(lambda: "feed failed" in [line["event"] for line in said])
    async with polling(feed_settings, feed):
        await until(lambda: "waiting" in [line["event"] for line in said])
    assert site.asked("/busy") == 1
    assert to_kept.articles == []


async def test_what_the_settings_refused_is_tried_at_once_when_they_are_corrected(
    site: Site, to_kept: KeptArticles, feed_settings: Settings, said: list[dict[str, Any]]
) -> None:
    site.routes["/own"] = feed_of(entry("one"))
    feed = FeedSettings(url=site.url("/own"), interval=600)
    async with polling(feed_settings.model_copy(update={"allow_hosts": []}), feed):
        await until(lambda: "feed failed" in [line["event"] for line in said])
    assert site.asked("/own") == 0
    async with polling(feed_settings, feed):
        await until(lambda: len(to_kept.articles) == 1)


async def test_a_feed_that_waits_says_why(
    site: Site, to_kept: KeptArticles, feed_settings: Settings, said: list[dict[str, Any]]
) -> None:
    site.routes["/error"] = Answer(status=500)
    feed = FeedSettings(url=site.url("/error"), interval=600)
    async with polling(feed_settings, feed):
        await until(lambda: "feed failed" in [line["event"] for line in said])
    async with polling(feed_settings, feed):
        await until(lambda: "waiting" in [line["event"] for line in said])
    (waiting,) = [line for line in said if line["event"] == "waiting"]
    assert waiting["feed"] == feed.url
    assert waiting["because"] == "HTTP status 500"


async def test_once(site: Site, to_kept: KeptArticles, feed_settings: Settings) -> None:
    site.routes["/good"] = feed_of(entry("one"))
    good, bad = FeedSettings(url=site.url("/good")), FeedSettings(url=site.url("/bad"))
    assert await run_feeds(feed_settings, [good, bad], once=True) == 1
    assert await run_feeds(feed_settings, [good], once=True) == 0
    assert len(to_kept.articles) == 1


async def test_the_demos_feeds_bring_every_seed_as_it_is(kept: KeptArticles, state: StateStore) -> None:
    server = DemoServer(SEEDS, pace=0.0, port=0)
    server.start()
    try:
        async with Fetcher([server.address]) as fetcher:
            poller = Poller(fetcher, state, kept, StageHealth("feeds"))
            for url in server.feed_urls:
                assert (await poller.poll(FeedSettings(url=url))).rejected == 0
    finally:
        server.stop()
    documents = [json.loads(line) for line in (SEEDS / "documents.jsonl").read_text().splitlines()]
    sample = [json.loads(line) for line in (SEEDS / "sample.jsonl").read_text().splitlines()]
    assert len(kept.articles) == len({article.url for article in kept.articles}) == len(documents + sample)
    by_text = {(article.title, article.text): article for article in kept.articles}
    for document in documents:
        assert (document["title"], document["text"]) in by_text
    # Of the others, a line a paragraph is promised, no more.
    by_words = {(article.title, *article.text.split()): article for article in kept.articles}
    for given in sample:
        article = by_words[given["title"], *given["text"].split()]
        assert article.source == given["source"]
        assert article.published is not None
        assert article.published.isoformat() == given["published"].replace("Z", "+00:00")


def test_the_demos_articles_appear_one_by_one() -> None:
    now = 0.0
    server = DemoServer(SEEDS, pace=2.0, port=0, clock=lambda: now)

    document = json.loads((server.respond("/feed.json") or ("", ""))[1])
    assert len(document["items"]) == 1
    now = 1_000.0
    assert len(json.loads((server.respond("/feed.json") or ("", ""))[1])["items"]) == 3
    assert server.respond("/articles/nothing") is None
    server._server.server_close()


async def test_feeds_that_fail_are_told_by_health_also_after_a_restart(
    site: Site, to_kept: KeptArticles, feed_settings: Settings
) -> None:
    site.routes["/good"] = feed_of(entry("one"))
    site.routes["/dead"] = Answer(status=500)
    feeds = [FeedSettings(url=site.url(path), interval=600) for path in ("/good", "/dead")]
    for _ in range(2):
        settings = feed_settings.model_copy(update={"metrics_port": free_port()})
        async with polling(settings, *feeds):
            report: dict[str, Any] = {}
            async with asyncio.timeout(10):
                while not report.get("parts_failing"):
                    report = await asyncio.to_thread(fetch_health, settings.metrics_port) or {}
                    await asyncio.sleep(0.02)
        assert (report["alive"], report["parts"], report["parts_failing"]) == (True, 2, 1)
        assert "500" in report["failing"][site.url("/dead")]
    assert site.asked("/dead") == 1
