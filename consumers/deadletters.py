"""The dead letters as they lie on their topic, and putting them back.

A letter's name is its place on the topic: `PARTITION:OFFSET`. Putting one back publishes its bytes, under its key, on
the topic it came from, with a header that counts how often that was done, then leaves a mark beside the letter, on the
same topic. A crash between the two lets it be put back twice, which every stage takes for the replay it is.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from runtime.bus.clients import make_consumer
from runtime.bus.deadletters import REPLAYS_HEADER, DeadLetter
from runtime.bus.partitions import partitions_of
from runtime.bus.producer import Producer
from runtime.bus.reading import between
from runtime.settings import Settings
from schemas.topics import BY_NAME, DEADLETTERS

MAX_REPLAYS = 3
"""A message that failed so often after being put back fails for a reason that putting it back does not change."""
_AT_ONCE = 2_000
"""Records of a partition that are read together, from the newest ones back."""
_FETCH = 1024 * 1024
"""Bytes that are asked for at a time; a larger record comes alone. (The embedded engine sends all it has.)"""
_CLOCKS = timedelta(hours=1)
"""By so much may the clocks differ of those who write dead letters."""
_MARK_HEADER = "replay-of"
_ACKNOWLEDGE_SECONDS = 30.0


@dataclass(frozen=True)
class Lying:
    """A dead letter at its place."""

    id: str
    letter: DeadLetter
    put_back: datetime | None
    """When it was put back last, if it was."""
    size: int | None = None
    """Bytes of its value, which a list leaves out; None where it has none."""


class _Lain(NamedTuple):
    """What a list keeps of a record of the topic."""

    timestamp: int
    id: str
    letter: DeadLetter
    size: int | None
    mark: str | None


def dead_letters(settings: Settings, since: datetime | None = None) -> Generator[Lying, None, None]:
    """Every dead letter there is, newest first, without its value; none that was written an hour before `since`.

    Holds some thousands of them at a time, and an id and a time for each letter that was put back and is not yet come
    to. Close it where it is not read to its end.

    Raises:
        kafka.errors.KafkaError, ConnectionError: the topic cannot be read to its end.
    """
    oldest = 0 if since is None else (since - _CLOCKS).timestamp() * 1000
    consumer = make_consumer(settings, None, (), max_partition_fetch_bytes=_FETCH)
    marks: dict[str, datetime] = {}
    try:
        places = partitions_of(consumer, DEADLETTERS.name)
        starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        backwards = [_backwards(consumer, tp, starts[tp], ends[tp]) for tp in places]
        # A mark was written after its letter, and so is met before it.
        for lain in heapq.merge(*backwards, key=attrgetter("timestamp"), reverse=True):
            if lain.timestamp < oldest:
                return
            if lain.mark is not None:
                marks.setdefault(lain.mark, lain.letter.at)
            else:
                yield Lying(lain.id, lain.letter, marks.pop(lain.id, None), lain.size)
    finally:
        consumer.close(autocommit=False)


def in_full(settings: Settings, chosen: Iterable[Lying]) -> Generator[Lying, None, None]:
    """The letters with their values, oldest first, read as they are asked for. Close it where it is not read to its
    end.

    Raises:
        kafka.errors.KafkaError, ConnectionError: the topic cannot be read.
    """
    wanted: dict[int, dict[int, Lying]] = {}
    for lying in chosen:
        partition, offset = map(int, lying.id.split(":"))
        wanted.setdefault(partition, {})[offset] = lying
    with contextlib.ExitStack() as stack:
        # A consumer each: they are read side by side, for the order of what comes from several partitions.
        sides = []
        for partition, offsets in wanted.items():
            consumer = make_consumer(settings, None, (), max_partition_fetch_bytes=_FETCH)
            stack.callback(consumer.close, autocommit=False)
            sides.append(_only(offsets, consumer, TopicPartition(DEADLETTERS.name, partition)))
        for record in heapq.merge(*sides, key=attrgetter("timestamp")):
            yield replace(
                wanted[record.partition][record.offset], letter=DeadLetter.parse(record.headers or [], record.value)
            )


def _only(offsets: Collection[int], consumer: KafkaConsumer, tp: TopicPartition) -> Iterator[Any]:
    return (record for record in between(consumer, tp, min(offsets), max(offsets) + 1) if record.offset in offsets)


def _backwards(consumer: KafkaConsumer, tp: TopicPartition, start: int, end: int) -> Iterator[_Lain]:
    while end > start:
        begin = max(start, end - _AT_ONCE)
        yield from reversed([_lain(record) for record in between(consumer, tp, begin, end)])
        end = begin


def _lain(record: Any) -> _Lain:
    headers = record.headers or []
    mark = dict(headers).get(_MARK_HEADER)
    letter = DeadLetter.parse(headers, record.value)
    return _Lain(
        record.timestamp,
        f"{record.partition}:{record.offset}",
        replace(letter, value=None),
        None if letter.value is None else len(letter.value),
        None if mark is None else mark.decode("ascii", "replace"),
    )


def why_not(lying: Lying) -> str | None:
    """Why a letter is not put back; None where it may be."""
    letter = lying.letter
    if letter.topic not in BY_NAME or letter.topic == DEADLETTERS.name:
        return f"it came from {letter.topic!r}, which is no topic to put it back on"
    if letter.cut_from is not None:
        return (
            f"it is only the beginning of a message of {letter.cut_from} bytes, which is more than is sent here; "
            f"the whole is at {letter.topic}/{letter.partition}/{letter.offset}, for as long as that topic keeps it"
        )
    if letter.replays >= MAX_REPLAYS:
        return f"it was put back {letter.replays} times already"
    if lying.put_back is not None:
        return f"it was put back at {lying.put_back:%Y-%m-%d %H:%M} UTC"
    if letter.value is None and lying.size is None and letter.key is None:
        return "it has neither key nor value, which Kafka does not take"
    return None


def put_back(producer: Producer, letters: Iterable[Lying]) -> list[str]:
    """Publish the letters where they came from, acknowledged one by one; those that `why_not` speaks against are left.

    `letters` come with their values. One without a value had none when it failed, and is put back without one. Returns
    the ids of those put back.
    """
    done = []
    for lying in letters:
        if why_not(lying) is not None:
            continue
        letter = lying.letter
        headers = [(REPLAYS_HEADER, str(letter.replays + 1).encode())]
        producer.send(letter.topic, key=letter.key, value=letter.value, headers=headers).get(_ACKNOWLEDGE_SECONDS)
        mark = DeadLetter(
            stage="replay",
            reason=f"put back on {letter.topic}",
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            key=letter.key,
            value=None,
            at=datetime.now(UTC),
            replays=letter.replays + 1,
        )
        producer.send(
            DEADLETTERS.name,
            key=mark.record_key,
            value=None,
            headers=[*mark.headers(), (_MARK_HEADER, lying.id.encode())],
        ).get(_ACKNOWLEDGE_SECONDS)
        done.append(lying.id)
    return done
