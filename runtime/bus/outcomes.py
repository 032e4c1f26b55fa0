"""What a consumer's handler is asked, and what it may answer about a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from elastic_transport import TransportError
from elasticsearch import ApiError
from kafka.errors import KafkaError

from runtime.bus.source import Record
from runtime.errors import UserError
from schemas.base import Message
from schemas.topics import Topic

_NOT_THE_MESSAGE = frozenset({401, 403, 408, 429})
"""HTTP status codes that speak of our credentials or our haste, not of what we sent."""


@dataclass(frozen=True)
class Received:
    """A message, decoded, and where it lay."""

    record: Record
    message: Message


@dataclass(frozen=True)
class Done:
    """The effect of the message is confirmed. `what` names it in the metrics: ok, duplicate, skipped …"""

    what: str = "ok"


@dataclass(frozen=True)
class Reject:
    """The message itself cannot be used. `reason` is one line a person can act on."""

    reason: str
    ours: bool = False
    """By an unexpected error, for which the message may not be to blame."""


@dataclass(frozen=True)
class Retry:
    """Something the effect depends on is broken. `after`: seconds it asked us to wait, if it did."""

    error: str
    after: float = 0.0


@dataclass(frozen=True)
class Later:
    """Not looked at: the call would have taken too long. It is handed over again at once."""


Outcome = Done | Reject | Retry | Later


class Unavailable(Exception):
    """Raised by a handler for the whole of its batch, in the place of a `Retry` for each message."""

    def __init__(self, error: str, after: float = 0.0) -> None:
        super().__init__(error)
        self.after = after


class TooManyDeadLetters(UserError):
    """So many messages in a row were rejected that the code must be wrong, or the topic is not what it should be."""


class Handler(Protocol):
    """What a consumer does. Each call must return within a minute or so: a member that is silent longer is expelled.
    What would take longer is answered with `Later`.

    It may be handed the same message again at any time; the second time must change nothing.
    """

    @property
    def stage(self) -> str:
        """Its name in metrics, logs and dead letters, and, by `group_of`, of its consumer group."""

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What it reads."""

    @property
    def gather(self) -> float:
        """Seconds within which messages that come one by one are handed over together; 0: none."""

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        """One outcome for each message of the batch, in its order."""

    def tick(self) -> None:
        """Called between batches, at least once a second while nothing is broken."""

    def close(self) -> None:
        """Called once, when the loop has ended."""


def is_infrastructure(error: BaseException) -> bool:
    """Broken surroundings, which are waited for, as against a message that cannot be used."""
    if isinstance(error, ApiError):  # elasticsearch answered
        return error.status_code in _NOT_THE_MESSAGE or error.status_code >= 500
    return isinstance(error, Unavailable | KafkaError | TransportError | OSError)
