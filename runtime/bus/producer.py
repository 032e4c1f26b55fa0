"""A Kafka producer that recovers: what has failed once is replaced by a fresh one.

kafka-python 3.0.12's producer stays stuck for ever when a connection drops with messages in flight and their delivery
times out, and one that the broker has refused never works again, while a fresh one writes at once.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

_ABANDON_SECONDS = 30.0


class Sent:
    """A message on its way."""

    def __init__(self, future: Any, on_failure: Callable[[], None]) -> None:
        self._future = future
        self._on_failure = on_failure

    def get(self, timeout: float) -> Any:
        """Where the message lies, once the broker holds it. `timeout`: seconds.

        Raises:
            KafkaError: it is not acknowledged. It may arrive all the same: sending it again is right.
        """
        try:
            return self._future.get(timeout=timeout)
        except KafkaError:
            self._on_failure()
            raise


class Producer:
    """A producer for as long as its process lives. Safe to use from several threads.

    It connects on first use, so that a process can start before its Kafka does.

    Args:
        connect: makes the kafka-python producer, which bounds each of its steps by `seconds`.
        seconds: how long a call waits for another's connecting.
    """

    def __init__(self, connect: Callable[[], KafkaProducer], *, seconds: float) -> None:
        self._connect = connect
        self._seconds = seconds
        self._connecting, self._replacing = threading.Lock(), threading.Lock()
        self._producer: KafkaProducer | None = None

    def send(
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Sent:
        """Give a message to the client; it is safe when `Sent.get` has returned.

        Raises:
            MessageSizeTooLargeError: it is larger than our clients send.
            KafkaError: no broker can be reached.
        """
        producer = self._connected()

        def failed(*_: object) -> None:
            self._replace(producer)

        try:
            future = producer.send(topic, key=key, value=value, headers=list(headers))
        except MessageSizeTooLargeError:
            raise  # the client's own word, which harms nothing
        except KafkaError:
            failed()
            raise
        future.add_errback(failed)
        return Sent(future, failed)

    def _connected(self) -> KafkaProducer:
        # Connecting takes as long as the time-out while Kafka is away; nobody waits for more than one other's try.
        if not self._connecting.acquire(timeout=self._seconds):
            raise KafkaTimeoutError("still connecting")
        try:
            if self._producer is None:
                self._producer = self._connect()
            return self._producer
        finally:
            self._connecting.release()

    def _replace(self, producer: KafkaProducer) -> None:
        """Let the next call connect anew. Nobody waits for the end of the old one, which may never come."""
        with self._replacing:
            if self._producer is not producer:
                return
            self._producer = None
        threading.Thread(target=_abandon, args=(producer,), name="abandoned-producer", daemon=True).start()

    def close(self, timeout: float = 1.0) -> None:
        """Let go of the connection. What was acknowledged is safe; what was not gets `timeout` seconds to be."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close(timeout=timeout)
            except KafkaTimeoutError:
                _abandon(producer)


def _abandon(producer: KafkaProducer) -> None:
    """End a producer at once: what is in its hands fails.

    Its own `close` waits for what is in flight first, and gives up with an error before it ends its thread.
    """
    producer._sender.force_close()
    producer._sender.join(_ABANDON_SECONDS)
    with contextlib.suppress(KafkaError):
        producer.close(timeout=0)
