"""One poll of one feed: fetch, tell what is new, read pages, publish, write down what is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from producers.feeds.fetch import Fetched, Fetcher, FetchError
from producers.feeds.fulltext import extract_text, wants_page
from producers.feeds.items import item_id, item_revision, item_source, to_article
from producers.feeds.parse import FeedItem, digest, parse_feed
from producers.feeds.state import StateStore
from producers.publisher import NotAcknowledged, Publisher, TooLarge
from producers.reading import InvalidArticle
from runtime.backoff import pause
from runtime.health import StageHealth
from runtime.logs import get_logger
from runtime.settings import FeedSettings
from schemas.articles import RawArticle
from schemas.topics import RAW

log = get_logger(__name__)

_ACCEPT_FEED = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
)
_ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
_PAGE_TRIES = 2
_PAGE_FAILURES = 3
"""Pages of one document that may fail for want of an answer, until the others are not asked for any more."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds between tries while Kafka is away."""


@dataclass
class PollResult:
    """What became of the items of a document."""

    sent: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass
class _Pages:
    """How the pages of one document go."""

    failures: int = 0


class Poller:
    """Polls feeds. What is true of all of them: client, state, publisher, counters.

    Args:
        patience: seconds that Kafka may be away before `poll` raises `NotAcknowledged`; None waits for ever.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        state: StateStore,
        publisher: Publisher,
        health: StageHealth,
        *,
        patience: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._fetcher = fetcher
        self._state = state
        self._publisher = publisher
        self._health = health
        self._patience = patience
        self._sleep = sleep

    async def poll(self, feed: FeedSettings) -> PollResult:
        """Send what is new or changed in a feed, oldest first.

        Raises:
            FetchError: the feed cannot be had.
            NotAFeed: what was had is no feed.
            NotAcknowledged: Kafka was away for longer than `patience`.
        """
        known = self._state.feed(feed.url)
        fetched = await self._fetcher.fetch(
            feed.url, accept=_ACCEPT_FEED, etag=known.etag, last_modified=known.last_modified
        )
        if fetched.body is None or (version := digest(fetched.body)) == known.digest:
            return PollResult()
        document = await asyncio.to_thread(parse_feed, fetched.body, fetched.content_type, fetched.url)
        if document.broken:
            log.warning("feed is broken", feed=feed.url, reason=document.broken, usable_items=len(document.items))
        result = PollResult(rejected=len(document.unusable))
        for reason in document.unusable:
            self._reject(feed, reason)
        still_there = []
        pages = _Pages()
        for item in document.items:
            source = item_source(item, feed.url, feed.source)
            id_ = item_id(item, source)
            revision = item_revision(item)
            still_there.append(id_)
            if self._state.revision(feed.url, id_) == revision:
                result.unchanged += 1
                continue
            try:
                await self._send(await self._article(feed, item, source, pages))
                result.sent += 1
            except (InvalidArticle, TooLarge) as error:
                self._reject(feed, str(error), item.url or item.external_id)
                result.rejected += 1
            self._state.mark(feed.url, id_, revision)
        self._state.touch(feed.url, still_there)
        self._state.finish(feed.url, etag=fetched.etag, last_modified=fetched.last_modified, digest=version)
        return result

    async def _article(self, feed: FeedSettings, item: FeedItem, source: str, pages: _Pages) -> RawArticle:
        text, text_from = item.body, "feed"
        if item.url and wants_page(item.body, feed.full_text):
            try:
                page = await self._page(item.url, pages)
            except FetchError as error:
                text_from = f"feed; no page: {error}"[:500]
                log.info("page unavailable", feed=feed.url, page=item.url, reason=str(error))
            else:
                found = await asyncio.to_thread(extract_text, page.body or b"", page.content_type, page.url, item.title)
                if len(found) > len(item.body):
                    text, text_from = found, "page"
        return to_article(
            item, feed_url=feed.url, source=source, text=text, text_from=text_from, collected=datetime.now(UTC)
        )

    async def _page(self, url: str, pages: _Pages) -> Fetched:
        if pages.failures >= _PAGE_FAILURES:
            raise FetchError("the site did not answer for the pages before")
        for attempt in range(1, _PAGE_TRIES + 1):
            try:
                return await self._fetcher.fetch(url, accept=_ACCEPT_PAGE)
            except FetchError as error:
                # The summary now is worth more than the full text in an hour.
                if not error.transient:
                    raise
                if attempt == _PAGE_TRIES or error.retry_after:
                    pages.failures += 1
                    raise
                await self._sleep(0.5 * attempt)
        raise AssertionError("unreachable")

    async def _send(self, article: RawArticle) -> None:
        started = time.monotonic()
        tries = 0
        while True:
            try:
                await asyncio.to_thread(self._publisher.publish, [article])
            except TooLarge:
                raise
            except NotAcknowledged as error:
                if self._patience is not None and time.monotonic() - started >= self._patience:
                    raise
                self._health.retrying(error)
                log.warning("kafka away", reason=str(error), article=article.id)
                tries += 1
                await self._sleep(pause(tries, _FIRST_PAUSE, _LONGEST_PAUSE))
            else:
                self._health.handled(RAW.name, time.monotonic() - started)
                return

    def _reject(self, feed: FeedSettings, reason: str, item: str | None = None) -> None:
        self._health.rejected(RAW.name, reason)
        log.warning("item rejected", feed=feed.url, item=item, reason=reason)
