"""The subscriptions as they stand: the compacted topic, read from its beginning and followed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer

from consumers.query import Query, QueryError
from polywire.runtime.deadletters import DeadLetter
from polywire.runtime.kafka import make_consumer
from polywire.runtime.logs import get_logger
from polywire.runtime.partitions import partitions_of
from polywire.runtime.settings import Settings
from polywire.runtime.source import Record
from schemas.alerts import Subscription
from schemas.codec import InvalidMessage, decode
from schemas.topics import SUBSCRIPTIONS

log = get_logger(__name__)

_CATCH_UP_SECONDS = 30.0


@dataclass(frozen=True)
class Active:
    """A subscription whose query is known to be good."""

    subscription: Subscription
    query: Query

    def muted(self, now: datetime) -> bool:
        return self.subscription.muted_until is not None and self.subscription.muted_until > now

    def covers(self, timestamp: int) -> bool:
        """Whether it was there when a message was put on its topic (milliseconds since 1970)."""
        return timestamp >= int(self.subscription.created.timestamp() * 1000)


class SubscriptionBook:
    """Every subscription by its id. A bad one is reported and left out; the others work."""

    def __init__(self, settings: Settings, stage: str, on_bad: Callable[[DeadLetter], None]) -> None:
        """`on_bad` gets each subscription that cannot be used, each time the topic is read from its beginning."""
        self._stage = stage
        self._on_bad = on_bad
        self._consumer: KafkaConsumer = make_consumer(settings, None, ())
        self._partitions = partitions_of(self._consumer, SUBSCRIPTIONS.name)
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning(*self._partitions)
        self._active: dict[str, Active] = {}
        self._read: deque[Any] = deque()

    def __iter__(self) -> Iterator[Active]:
        return iter(self._active.values())

    def __len__(self) -> int:
        return len(self._active)

    def get(self, subscription_id: str) -> Active | None:
        return self._active.get(subscription_id)

    def catch_up(self) -> None:
        """Read on to where the topic ends now, so that whoever subscribed before this call is known after it.

        Raises:
            ConnectionError: the end was not reached in time.
            kafka.errors.KafkaError: the brokers did not answer.
        """
        ends = self._consumer.end_offsets(self._partitions)
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        self._apply_read()
        while any(self._consumer.position(tp) < ends[tp] for tp in self._partitions):
            if time.monotonic() > deadline:
                raise ConnectionError(f"cannot read {SUBSCRIPTIONS.name} to its end")
            for records in self._consumer.poll(timeout_ms=200).values():
                self._read.extend(records)
            self._apply_read()

    def _apply_read(self) -> None:
        while self._read:
            # Taken off only when applied: reporting a bad one can fail, and is tried again.
            self._apply(self._read[0])
            self._read.popleft()

    def _apply(self, record: Any) -> None:
        key = (record.key or b"").decode("utf-8", "replace")
        if not record.value:
            if self._active.pop(key, None):
                log.info("subscription removed", subscription=key)
            return
        try:
            subscription = decode(Subscription, record.value)
            if key != subscription.id:
                raise InvalidMessage(f"the key {key!r} is not the subscription's id {subscription.id!r}")
            self._active[subscription.id] = Active(subscription, Query.parse(subscription.query))
            log.info("subscription", subscription=subscription.id, query=subscription.query)
        except (InvalidMessage, QueryError, RecursionError) as error:
            # What stood under this key before is over in any case: its owner wanted something else.
            self._active.pop(key, None)
            self._on_bad(DeadLetter.of(self._stage, Record.of(record), f"subscription cannot be used: {error}"))

    def close(self) -> None:
        self._consumer.close(autocommit=False)
