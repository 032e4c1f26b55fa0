"""The one way into `articles.raw`: nothing counts as sent before Kafka has acknowledged it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from kafka.errors import KafkaError, MessageSizeTooLargeError

from runtime.bus.clients import make_producer, publish
from runtime.bus.producer import Producer
from runtime.health import StageHealth
from runtime.room import why_no_room
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import RAW


class NotAcknowledged(Exception):
    """Some articles were not acknowledged. They may still arrive: sending them again is right, and harmless."""

    def __init__(self, failed: dict[str, str]) -> None:
        super().__init__(next(iter(failed.values()), "not acknowledged"))
        self.failed = failed
        """Reason by article id."""


class TooLarge(NotAcknowledged):
    """An article that no retry brings through: its message is larger than the topic takes."""


class Publisher:
    """Sends articles and waits for the broker's word. Safe to use from several threads.

    Args:
        producer: bounds each of its own steps.
        timeout: seconds for one call of `publish`, connecting included.
        health: where calls that failed are counted.
        why_not: why Kafka's word could not be trusted now, if so.
    """

    def __init__(
        self,
        producer: Producer,
        *,
        timeout: float,
        health: StageHealth | None = None,
        why_not: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._producer = producer
        self._timeout = timeout
        self._health = health
        self._why_not = why_not

    @classmethod
    def open(
        cls, settings: Settings, client_id: str, *, timeout: float = 30.0, health: StageHealth | None = None
    ) -> Publisher:
        """A publisher to the settings' Kafka."""
        producer = make_producer(settings, client_id, seconds=timeout)
        return cls(producer, timeout=timeout, health=health, why_not=partial(why_no_room, settings))

    def publish(self, articles: Sequence[RawArticle]) -> None:
        """Send the articles; return once Kafka holds all of them.

        Raises:
            TooLarge: the only trouble is size; retrying is of no use.
            NotAcknowledged: for any other reason, within `timeout` seconds.
        """
        if problem := self._why_not():
            raise self._away(dict.fromkeys((article.id for article in articles), problem))
        deadline = time.monotonic() + self._timeout
        failed: dict[str, str] = {}
        oversized = 0
        waiting = []
        for article in articles:
            try:
                waiting.append((article.id, publish(self._producer, RAW, article.id, article)))
            except MessageSizeTooLargeError as error:
                oversized += 1
                failed[article.id] = _say(error)
            except KafkaError as error:
                # Each further send would wait as long again.
                given = {id_ for id_, _ in waiting} | failed.keys()
                failed.update((rest.id, _say(error)) for rest in articles if rest.id not in given)
                break
        for id_, future in waiting:
            try:
                future.get(timeout=max(0.0, deadline - time.monotonic()))
            except MessageSizeTooLargeError as error:
                oversized += 1
                failed[id_] = _say(error)
            except KafkaError as error:
                failed[id_] = _say(error)
        if failed and oversized == len(failed):
            raise TooLarge(failed)
        if failed:
            raise self._away(failed)

    def _away(self, failed: dict[str, str]) -> NotAcknowledged:
        away = NotAcknowledged(failed)
        if self._health is not None:
            self._health.retrying(away)
        return away

    def close(self) -> None:
        """Let go of the connection. Everything acknowledged is safe; nothing else was promised."""
        self._producer.close()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
