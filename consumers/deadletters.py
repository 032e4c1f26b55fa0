"""The dead letters as they lie on their topic, and putting them back.

A letter's name is its place on the topic: `PARTITION:OFFSET`. Putting one back publishes its bytes, under its key, on
the topic it came from, with a header that counts how often that was done, then leaves a mark beside the letter, on the
same topic. A crash between the two lets it be put back twice, which every stage takes for the replay it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from polywire.runtime.deadletters import REPLAYS_HEADER, DeadLetter
from polywire.runtime.kafka import make_consumer
from polywire.runtime.partitions import partitions_of
from polywire.runtime.producer import Producer
from polywire.runtime.settings import Settings
from schemas.topics import BY_NAME, DEADLETTERS

MAX_REPLAYS = 3
"""A message that failed so often after being put back fails for a reason that putting it back does not change."""
_MARK_HEADER = "replay-of"
_ACKNOWLEDGE_SECONDS = 30.0


@dataclass(frozen=True)
class Lying:
    """A dead letter at its place."""

    id: str
    letter: DeadLetter
    put_back: datetime | None
    """When it was put back last, if it was."""


def read_dead_letters(settings: Settings) -> list[Lying]:
    """Every dead letter there is, oldest first.

    Raises:
        kafka.errors.KafkaError, ConnectionError: the topic cannot be read to its end.
    """
    consumer = make_consumer(settings, None, ())
    found: list[tuple[str, DeadLetter]] = []
    marks: dict[str, datetime] = {}
    try:
        partitions = partitions_of(consumer, DEADLETTERS.name)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        silent = 0
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            polled = consumer.poll(timeout_ms=1_000)
            silent = 0 if polled else silent + 1
            if silent > 30:
                raise ConnectionError(f"cannot read {DEADLETTERS.name} to its end")
            for tp, records in polled.items():
                for record in records:
                    headers = record.headers or []
                    letter = DeadLetter.parse(headers, record.value)
                    mark = dict(headers).get(_MARK_HEADER)
                    if mark is None:
                        found.append((f"{tp.partition}:{record.offset}", letter))
                    else:
                        marks[mark.decode("ascii", "replace")] = letter.at
    finally:
        consumer.close(autocommit=False)
    found.sort(key=lambda one: one[1].at)
    return [Lying(id_, letter, marks.get(id_)) for id_, letter in found]


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
    if letter.value is None and letter.key is None:
        return "it has neither key nor value, which Kafka does not take"
    return None


def put_back(producer: Producer, letters: Iterable[Lying]) -> Sequence[Lying]:
    """Publish the letters where they came from, acknowledged one by one; those that `why_not` speaks against are left.

    Returns those put back. A letter without a value had none when it failed, and is put back without one.
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
        done.append(lying)
    return done
