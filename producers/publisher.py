"""The one way into `articles.raw`: nothing counts as sent before Kafka has acknowledged it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from polywire.runtime.kafka import make_producer, publish
from polywire.runtime.settings import Settings
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

    The connection is made on first use, so that a producer can start before its Kafka does.

    Args:
        connect: makes the Kafka producer.
        timeout: seconds for one call of `publish`, connecting included.
    """

    def __init__(self, connect: Callable[[], KafkaProducer], *, timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    @classmethod
    def open(cls, settings: Settings, client_id: str, *, timeout: float = 30.0) -> Publisher:
        """A publisher to the settings' Kafka."""
        wait = int(timeout * 1000)

        def connect() -> KafkaProducer:
            return make_producer(
                settings,
                client_id,
                bootstrap_timeout_ms=wait,
                max_block_ms=wait,
                request_timeout_ms=wait,
                delivery_timeout_ms=wait + 100,  # must exceed the request's time-out and the linger together
                reconnect_backoff_max_ms=1_000,
            )

        return cls(connect, timeout=timeout)

    def publish(self, articles: Sequence[RawArticle]) -> None:
        """Send the articles; return once Kafka holds all of them.

        Raises:
            TooLarge: the only trouble is size; retrying is of no use.
            NotAcknowledged: for any other reason, within `timeout` seconds.
        """
        deadline = time.monotonic() + self._timeout
        try:
            producer = self._connected()
        except KafkaError as error:
            raise NotAcknowledged({article.id: _say(error) for article in articles}) from error
        failed: dict[str, str] = {}
        oversized = 0
        waiting = []
        for article in articles:
            try:
                waiting.append((article.id, publish(producer, RAW, article.id, article)))
            except MessageSizeTooLargeError as error:
                oversized += 1
                failed[article.id] = _say(error)
            except KafkaError as error:
                failed[article.id] = _say(error)
                if time.monotonic() >= deadline:
                    # Each further send would wait as long again.
                    sent = {id_ for id_, _ in waiting} | failed.keys()
                    failed.update((rest.id, _say(error)) for rest in articles if rest.id not in sent)
                    break
        for id_, future in waiting:
            try:
                future.get(timeout=max(0.0, deadline - time.monotonic()))
            except MessageSizeTooLargeError as error:
                oversized += 1
                failed[id_] = _say(error)
            except KafkaError as error:
                failed[id_] = _say(error)
        if failed:
            raise (TooLarge if oversized == len(failed) else NotAcknowledged)(failed)

    def _connected(self) -> KafkaProducer:
        # Connecting takes as long as the time-out while Kafka is away; nobody waits for more than one other's try.
        if not self._lock.acquire(timeout=self._timeout):
            raise KafkaTimeoutError("still connecting")
        try:
            if self._producer is None:
                self._producer = self._connect()
            return self._producer
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of the connection. Everything acknowledged is safe; nothing else was promised."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1)

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
