"""What a stage is told to do with the messages of a topic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runtime.bus.source import Record
from schemas.base import Message
from schemas.codec import InvalidMessage, decode
from schemas.topics import Topic
from streams.apps.outlet import Outgoing

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Position:
    """Where the message in hand came from."""

    topic: str
    partition: int
    offset: int
    generation: int = 0
    """Of the group when this worker got the partition: of two that decided on the message, the later one is right."""

    @classmethod
    def of(cls, record: Record, generation: int) -> Position:
        """The place of a message as it lay on its topic."""
        return cls(record.topic, record.partition, record.offset, generation)


Step = Callable[[M, Position], Awaitable[Sequence[Outgoing]]]


@dataclass(frozen=True)
class Way(Generic[M]):
    """What becomes of the messages of a topic.

    `key_of` gives the key a message should have come under; another key is a dead letter (it would break the order of
    an article's revisions), none at all is accepted.
    """

    topic: Topic
    model: type[M]
    step: Step[M]
    key_of: Callable[[M], str] | None = None

    def read(self, record: Record) -> M:
        """The message of a record.

        Raises:
            InvalidMessage: it is none, or came under another key than it should.
        """
        message = decode(self.model, record.value)
        expected = self.key_of(message) if self.key_of else None
        if expected is not None and record.key is not None and record.key != expected.encode():
            shown = record.key.decode("utf-8", "replace")[:80]
            raise InvalidMessage(f"key {shown!r} is not the {self.topic.key} in the value ({expected!r})")
        return message


def record_of(message: Any) -> Record:
    """From a message of Faust, which hands headers over as a list of pairs or a mapping, by driver."""
    headers = message.headers.items() if isinstance(message.headers, dict) else (message.headers or ())
    milliseconds = int((message.timestamp or 0) * 1000)
    return Record(
        message.topic, message.partition, message.offset, message.key, message.value, tuple(headers), milliseconds
    )
