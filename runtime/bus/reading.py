"""Reading topics beside the groups: to where they end now, or between two offsets.

Everything here blocks. What it reads is nobody's: nothing is committed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition

PATIENCE = 30.0
"""Seconds without a record, while there should be some, after which the brokers are taken to be away."""
_POLL_MS = 500


def to_ends(
    consumer: KafkaConsumer, ends: Mapping[TopicPartition, int], *, at_once: int | None = None
) -> Iterator[Any]:
    """The records of the partitions from where the consumer stands in each, until it has come to all of `ends`.

    In order within a partition, as they come; what a topic no longer has is passed over. What the brokers send along
    from behind the ends comes, too: the consumer stands behind it afterwards.

    Args:
        ends: offsets, each that of the first record that need not come; every partition is assigned to the consumer.
        at_once: records to ask for at a time, where their number matters.

    Raises:
        ConnectionError: the brokers do not hand over what they say they have.
        kafka.errors.KafkaError: they do not answer.
    """
    heard = time.monotonic()
    timeout_ms = int(PATIENCE * 1000)
    while behind := [tp for tp, end in ends.items() if consumer.position(tp, timeout_ms=timeout_ms) < end]:
        polled = consumer.poll(timeout_ms=_POLL_MS, **({} if at_once is None else {"max_records": at_once}))
        if polled:
            heard = time.monotonic()
        elif time.monotonic() - heard > PATIENCE:
            where = ", ".join(f"{tp.topic}/{tp.partition}" for tp in behind)
            raise ConnectionError(f"cannot read to the end of {where}: nothing came for {PATIENCE:.0f} s")
        for records in polled.values():
            yield from records


def between(
    consumer: KafkaConsumer, tp: TopicPartition, first: int, end: int, *, at_once: int | None = None
) -> Iterator[Any]:
    """The records of a partition from offset `first` to before `end`; see `to_ends`. The consumer is assigned to it."""
    consumer.assign([tp])
    consumer.seek(tp, first)
    return (record for record in to_ends(consumer, {tp: end}, at_once=at_once) if record.offset < end)
