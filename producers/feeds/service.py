"""All feeds, each polled on its own: a bad one is asked less often, and stops no other."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from prometheus_client import Counter, Gauge

from producers.feeds.fetch import Fetcher, FetchError
from producers.feeds.parse import NotAFeed
from producers.feeds.poller import Poller
from producers.feeds.schedule import next_delay
from producers.feeds.state import FILE, StateStore
from producers.publisher import NotAcknowledged, Publisher
from runtime.health import StageHealth
from runtime.logs import get_logger
from runtime.settings import FeedSettings, Settings
from runtime.watchdog import WATCHDOG

log = get_logger(__name__)

_BEAT = 5.0
_FORGET_EVERY = 86_400.0
_ONCE_PATIENCE = 60.0


class FeedService:
    """Polls feeds for ever, or once.

    Args:
        state_path: the file that remembers what was sent; None remembers for this run only.
    """

    def __init__(
        self, settings: Settings, feeds: Sequence[FeedSettings], *, once: bool, state_path: Path | None
    ) -> None:
        self._settings = settings
        self._feeds = list({feed.url: feed for feed in feeds}.values())
        self._once = once
        self._state = StateStore(state_path)
        self._health = StageHealth("feeds")
        self._random = Random()
        self._failing: dict[str, str] = {}
        labels = ["stage", "outcome"]
        self._polls = Counter(
            "polywire_feed_polls", "Polls of feeds, by outcome.", labels, registry=self._health.registry
        )
        self._failing_gauge = Gauge(
            "polywire_feeds_failing", "Feeds whose last poll failed.", ["stage"], registry=self._health.registry
        )

    async def run(self) -> int:
        """Poll until cancelled; with `once`, poll each feed once. Returns how many feeds failed or had rejects."""
        self._health.serve(self._settings.metrics_host, self._settings.metrics_port)
        publisher = Publisher.open(self._settings, "polywire-feeds", timeout=10.0)
        try:
            async with Fetcher(self._settings.allow_hosts) as fetcher:
                patience = _ONCE_PATIENCE if self._once else None
                poller = Poller(fetcher, self._state, publisher, self._health, patience=patience)
                self._health.ready()
                log.info("polling", feeds=len(self._feeds))
                # Those that failed before a restart are not asked for a while, and have not been mended by it.
                states = {feed.url: self._state.feed(feed.url) for feed in self._feeds}
                self._failing = {url: state.error or "" for url, state in states.items() if state.failures}
                self._tell_failing()
                async with asyncio.TaskGroup() as tasks:
                    polls = [tasks.create_task(self._keep_polling(feed, poller)) for feed in self._feeds]
                    if not self._once:
                        tasks.create_task(self._beat())
                return sum(poll.result() for poll in polls)
        finally:
            publisher.close()
            self._state.close()

    async def _beat(self) -> None:
        forget_at = 0.0
        while True:
            self._health.beat()
            if time.monotonic() >= forget_at:
                forget_at = time.monotonic() + _FORGET_EVERY
                log.debug("forgot old items", items=self._state.forget_old())
            await asyncio.sleep(_BEAT)

    async def _keep_polling(self, feed: FeedSettings, poller: Poller) -> bool:
        """Returns, with `once`, whether anything went wrong."""
        interval = feed.interval or self._settings.feed_interval
        if not self._once:
            # After a restart a feed is asked when it would have been asked anyway.
            planned = self._state.feed(feed.url)
            wait = max(0.0, planned.next_poll - time.time())
            # A shorter interval in the settings takes effect at once, unless the feed is being left in peace.
            wait = wait if planned.failures else min(wait, interval)
            if wait >= 1:
                because = planned.error or "it was polled not long ago"
                log.info("waiting", feed=feed.url, seconds=round(wait), because=because)
            await asyncio.sleep(wait)
        while True:
            failures = self._state.feed(feed.url).failures
            error, rejected = await self._poll(feed, poller)
            failures = failures + 1 if error is not None else 0
            delay = next_delay(
                interval,
                failures,
                self._random,
                retry_after=error.retry_after if isinstance(error, FetchError) else None,
                gone=isinstance(error, FetchError) and error.status == 410,
            )
            reason = _say(error) if error is not None else None
            # What our settings refuse is tried at once on the next start: they may have been corrected.
            refused = isinstance(error, FetchError) and error.refused
            next_poll = 0.0 if refused else time.time() + delay
            self._state.schedule(feed.url, next_poll=next_poll, failures=failures, error=reason)
            if self._once:
                return error is not None or rejected > 0
            if reason is not None:
                log.warning("feed failed", feed=feed.url, reason=reason, failures=failures, next_in=round(delay))
            await asyncio.sleep(delay)

    async def _poll(self, feed: FeedSettings, poller: Poller) -> tuple[Exception | None, int]:
        """One poll; whatever goes wrong in it stays in it."""
        try:
            result = await poller.poll(feed)
        except (FetchError, NotAFeed, NotAcknowledged) as error:
            self._count(feed, "failed", error)
            if self._once:
                log.error("feed failed", feed=feed.url, reason=_say(error))
            return error, 0
        except Exception as error:
            log.exception("feed failed unexpectedly", feed=feed.url)
            self._count(feed, "failed", error)
            return error, 0
        self._count(feed, "sent" if result.sent else "nothing_new")
        if result.sent or result.rejected:
            log.info("polled", feed=feed.url, sent=result.sent, unchanged=result.unchanged, rejected=result.rejected)
        return None, result.rejected

    def _count(self, feed: FeedSettings, outcome: str, error: Exception | None = None) -> None:
        self._polls.labels(self._health.stage, outcome).inc()
        if error is None:
            self._failing.pop(feed.url, None)
            self._health.beat()
        else:
            self._failing[feed.url] = _say(error)
            self._health.retrying(f"{feed.url}: {_say(error)}")
        self._tell_failing()

    def _tell_failing(self) -> None:
        self._failing_gauge.labels(self._health.stage).set(len(self._failing))
        self._health.failing(len(self._feeds), self._failing)


def _say(error: Exception) -> str:
    return str(error) or type(error).__name__


async def run_feeds(
    settings: Settings, feeds: Sequence[FeedSettings], *, once: bool = False, remember: bool = True
) -> int:
    """Poll the feeds until cancelled (SIGTERM does), or once. Returns how many failed or had rejects.

    Args:
        remember: keep what was sent in `state_dir` beyond this run.
    """
    task = asyncio.current_task()
    assert task is not None

    def stop() -> None:
        WATCHDOG.stopping()
        task.cancel()

    with contextlib.suppress(NotImplementedError):  # not on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    path = settings.state_dir / FILE if remember else None
    return await FeedService(settings, feeds, once=once, state_path=path).run()
