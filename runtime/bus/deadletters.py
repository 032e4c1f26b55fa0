"""Dead letters: the bytes of a message that could not be used, as they came, with the reason beside them.

A message that is larger than our clients send (it was compressed by who put it on its topic) leaves a letter cut short,
with its size and its hash: the whole of it lies where it came from for as long as that topic keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from runtime.bus.clients import REQUEST_BYTES
from runtime.bus.producer import Producer
from runtime.bus.sizes import wire_size
from runtime.bus.source import Record
from schemas.topics import DEADLETTERS

_ACKNOWLEDGE_SECONDS = 30.0
_REASON_LIMIT = 2_000
"""Characters: a header is no place for a stack trace."""
_LONGEST_NUMBER = 19
"""Digits of an offset."""
_CUT_VALUE, _CUT_KEY = 1024 * 1024, 64 * 1024
"""Bytes that are kept of a value and a key that are too large together: enough to see what it was."""


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be used, and where it came from."""

    stage: str
    reason: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at: datetime
    replays: int = 0
    """How often it was put back already."""
    cut_from: int | None = None
    """Bytes of the whole value, where this is only its beginning."""
    sha256: str | None = None
    """Of the whole value, where this is only its beginning."""

    @classmethod
    def of(cls, stage: str, record: Record, reason: str) -> DeadLetter:
        """What `stage` could not use, now; cut short where it is larger than our clients send."""
        letter = cls(
            stage=stage,
            reason=reason,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            at=datetime.now(UTC),
            replays=replays_of(record),
        )
        if wire_size(letter.record_key, letter.value, letter.headers()) <= REQUEST_BYTES:
            return letter
        whole = letter.value or b""
        return replace(
            letter,
            key=None if letter.key is None else letter.key[:_CUT_KEY],
            value=None if letter.value is None else whole[:_CUT_VALUE],
            cut_from=len(whole),
            sha256=hashlib.sha256(whole).hexdigest(),
        )

    @property
    def record_key(self) -> bytes:
        """Where it came from: the same message, read twice, has the same key."""
        return f"{self.topic}/{self.partition}/{self.offset}".encode()

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers that say everything but the value."""
        headers = [
            ("stage", self.stage.encode()),
            ("reason", self.reason[:_REASON_LIMIT].encode("utf-8", "replace")),
            ("topic", self.topic.encode()),
            ("partition", str(self.partition).encode()),
            ("offset", str(self.offset).encode()),
            ("time", self.at.isoformat().encode()),
            ("replays", str(self.replays).encode()),
        ]
        if self.key is not None:
            headers.append(("key", self.key))
        if self.value is None:
            # Kafka keeps no difference between "no value" and a deletion that a person could see.
            headers.append(("null-value", b"true"))
        if self.cut_from is not None and self.sha256 is not None:
            headers += [("cut", b"true"), ("size", str(self.cut_from).encode()), ("sha256", self.sha256.encode())]
        return headers

    @classmethod
    def parse(cls, headers: Sequence[tuple[str, bytes]], value: bytes | None) -> DeadLetter:
        """The dead letter that a record of the topic holds; tolerant of headers that are missing."""
        # Anybody may write to a topic, and a header may be there without a value.
        found = {name: content for name, content in headers if content is not None}

        def text(name: str, default: str = "") -> str:
            return found.get(name, default.encode()).decode("utf-8", "replace")

        def number(name: str) -> int:
            return _number(found.get(name))

        try:
            at = datetime.fromisoformat(text("time"))
        except ValueError:
            at = datetime.fromtimestamp(0, UTC)
        return cls(
            stage=text("stage", "unknown"),
            reason=text("reason", "unknown"),
            topic=text("topic", "unknown"),
            partition=number("partition"),
            offset=number("offset"),
            key=found.get("key"),
            value=None if "null-value" in found else value,
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
            replays=number("replays"),
            cut_from=number("size") if "cut" in found else None,
            sha256=text("sha256") if "cut" in found else None,
        )


REPLAYS_HEADER = "polywire-replays"
"""On a message put back from the dead letters: how often it was."""

TOPIC = DEADLETTERS


DeadLetterSink = Callable[[DeadLetter], None]
"""Writes a dead letter and returns when it is safe; raises a KafkaError when it is not."""


def kafka_dead_letters(producer: Producer) -> DeadLetterSink:
    """Dead letters to their topic, acknowledged."""

    def write(letter: DeadLetter) -> None:
        future = producer.send(TOPIC.name, key=letter.record_key, value=letter.value, headers=letter.headers())
        future.get(_ACKNOWLEDGE_SECONDS)

    return write


def replays_of(record: Record) -> int:
    """How often an operator has put the message back from the dead letters."""
    return _number(dict(record.headers).get(REPLAYS_HEADER))


def _number(digits: bytes | None) -> int:
    """Of a header; 0 where it is none that any of ours would have written."""
    return int(digits) if digits is not None and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else 0
