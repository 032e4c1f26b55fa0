"""Pauses between connections, where an address takes them and closes them at once.

kafka-python 3.0.12 counts a connection as good as soon as it is taken, and aiokafka 0.14 does not pause at all: dozens
to hundreds of connections a second, from every process, to a port with nothing behind it. `install` changes both: a
connection counts as good once it has lived for a while; those that have not are followed by growing pauses.

It relies on: `kafka.net.manager.KafkaConnectionManager.get_connection`, `update_backoff` and `reset_backoff`, the
`close_future` of its connections; `aiokafka.client.create_conn` and its `on_close`.
tests/runtime/bus/test_reconnecting.py fails where they have gone, or are no longer needed.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any

import aiokafka.client
from aiokafka.conn import CloseReason
from kafka.net.manager import KafkaConnectionManager

from runtime.backoff import pause

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds, doubled from the first to the longest, give or take a fifth. Short enough for a broker that starts again."""
_SETTLED = 10.0
"""Seconds that a connection has to live to be counted as good."""
_ORDERLY = frozenset({CloseReason.IDLE_DROP, CloseReason.SHUTDOWN})


class Pauses:
    """The pauses before connections to each address. Times in seconds, of one clock."""

    def __init__(self) -> None:
        self._failures: dict[object, int] = {}
        self._until: dict[object, float] = {}

    def left(self, address: object, now: float) -> float:
        """How long to wait before connecting."""
        return max(0.0, self._until.get(address, 0.0) - now)

    def closed(self, address: object, made: float, now: float) -> None:
        """A connection that was made at `made` is gone, or was not made at all."""
        failures = 0 if now - made >= _SETTLED else self._failures.get(address, -1) + 1
        self._failures[address] = failures
        self._until[address] = now + pause(failures + 1, FIRST_PAUSE, LONGEST_PAUSE)


def install() -> None:
    """Once a process, before its first client."""
    _pause_kafka_python(KafkaConnectionManager)
    aiokafka.client.create_conn = _paused(aiokafka.client.create_conn, Pauses())


def _pause_kafka_python(manager: Any) -> None:
    get_connection = manager.get_connection

    @functools.wraps(get_connection)
    def get(self: Any, node_id: Any, *, reset_backoff_on_connect: bool = True, **options: Any) -> Any:
        known = self._conns.get(node_id)
        conn = get_connection(self, node_id, reset_backoff_on_connect=False, **options)
        if reset_backoff_on_connect and conn is not known:
            made = time.monotonic()

            def closed(_error: object) -> None:
                if time.monotonic() - made >= _SETTLED:
                    self.reset_backoff(node_id)
                self.update_backoff(node_id)

            conn.close_future.add_errback(closed)
        return conn

    manager.get_connection = get


def _paused(create_conn: Callable[..., Any], pauses: Pauses) -> Callable[..., Any]:
    @functools.wraps(create_conn)
    async def create(
        host: str, port: int, *, on_close: Callable[[Any, Any], None] | None = None, **options: Any
    ) -> Any:
        address = (host, port)
        await asyncio.sleep(pauses.left(address, time.monotonic()))
        made = time.monotonic()

        def closed(conn: Any, reason: Any) -> None:
            if reason not in _ORDERLY:
                pauses.closed(address, made, time.monotonic())
            if on_close is not None:
                on_close(conn, reason)

        try:
            return await create_conn(host, port, on_close=closed, **options)
        except Exception:
            pauses.closed(address, made, made)
            raise

    return create
