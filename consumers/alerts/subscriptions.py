"""The subscriptions as they stand: the compacted topic, read from its beginning and followed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from consumers.query import Query, QueryError
from runtime.bus.clients import make_consumer
from runtime.bus.deadletters import DeadLetter
from runtime.bus.partitions import partitions_of
from runtime.bus.reading import to_ends
from runtime.bus.source import Record
from runtime.logs import get_logger
from runtime.settings import Settings
from schemas.alerts import Subscription
from schemas.codec import InvalidMessage, decode
from schemas.topics import ENRICHED, SUBSCRIPTIONS

log = get_logger(__name__)


@dataclass(frozen=True)
class Active:
    """A subscription whose query is known to be good."""

    subscription: Subscription
    query: Query

    def muted(self, now: datetime) -> bool:
        return self.subscription.muted_until is not None and self.subscription.muted_until > now

    def covers(self, record: Record) -> bool:
        """Whether an enriched article came after the subscription was made: by offsets, since two machines' clocks
        never agree; by time for a subscription that does not say at which offsets it was made."""
        starts = self.subscription.starts
        if starts is None:
            return record.timestamp >= int(self.subscription.created.timestamp() * 1000)
        return record.offset >= starts.get(record.partition, 0)


def begun_now(settings: Settings, subscription: Subscription) -> Subscription:
    """The subscription as it is made now: it covers the articles that are enriched from here on.

    Raises:
        kafka.errors.KafkaError: the brokers did not say where that is.
    """
    consumer = make_consumer(settings, None, ())
    try:
        ends = _by_number(consumer.end_offsets(partitions_of(consumer, ENRICHED.name)))
    finally:
        consumer.close(autocommit=False)
    return subscription.model_copy(update={"starts": ends})


def _by_number(offsets: Mapping[TopicPartition, int]) -> dict[int, int]:
    return {tp.partition: offset for tp, offset in offsets.items()}


def _possible(subscription: Subscription, ends: dict[int, int]) -> Subscription:
    """Without the starts that the topic has not reached: it was made anew since, and everything on it is newer."""
    if subscription.starts is None:
        return subscription
    starts = {partition: start for partition, start in subscription.starts.items() if start <= ends.get(partition, 0)}
    return subscription.model_copy(update={"starts": starts})


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
        self._articles = partitions_of(self._consumer, ENRICHED.name)
        self._ends: dict[int, int] = {}
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
        ends = self._where_they_end()
        self._notice_new_topic(_by_number({tp: ends[tp] for tp in self._articles}))
        self._apply_read()
        self._read.extend(to_ends(self._consumer, {tp: ends[tp] for tp in self._partitions}))
        self._apply_read()

    def _where_they_end(self) -> dict[TopicPartition, int]:
        """Of the subscriptions and of the articles, asked for together: an alerter asks for each few articles."""
        try:
            return dict(self._consumer.end_offsets([*self._partitions, *self._articles]))
        except KeyError:
            # kafka-python 3.0.12 asks for nothing of a topic that it has not heard of yet, unless for that alone.
            return {**self._consumer.end_offsets(self._partitions), **self._consumer.end_offsets(self._articles)}

    def _notice_new_topic(self, ends: dict[int, int]) -> None:
        if any(ends.get(partition, 0) < end for partition, end in self._ends.items()):
            log.warning("the topic was made anew: subscriptions cover all of it", topic=ENRICHED.name)
            self._active = {
                id_: replace(active, subscription=_possible(active.subscription, ends))
                for id_, active in self._active.items()
            }
        self._ends = ends

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
            known = _possible(subscription, self._ends)
            self._active[subscription.id] = Active(known, Query.parse(subscription.query))
            log.info("subscription", subscription=subscription.id, query=subscription.query)
        except (InvalidMessage, QueryError, RecursionError) as error:
            # What stood under this key before is over in any case: its owner wanted something else.
            self._active.pop(key, None)
            self._on_bad(DeadLetter.of(self._stage, Record.of(record), f"subscription cannot be used: {error}"))

    def close(self) -> None:
        self._consumer.close(autocommit=False)
