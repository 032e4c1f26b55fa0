"""What a stage sends, until the broker has it, however long that takes; and what it cannot use, to the dead letters.

What is too large for the bus is found out by its size (`check`), before it is stored or sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import faust
from aiokafka.errors import MessageSizeTooLargeError

from runtime.backoff import pause
from runtime.bus.deadletters import DeadLetter
from runtime.bus.sizes import TooLarge, check_size
from runtime.bus.source import Record
from runtime.health import StageHealth
from runtime.logs import get_logger
from schemas.base import Message
from schemas.codec import InvalidMessage, encode
from schemas.topics import DEADLETTERS, Topic

log = get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
"""Seconds between tries, which go on for as long as it takes."""


@dataclass(frozen=True)
class Outgoing:
    """A message for a topic, under its key."""

    topic: Topic
    key: str
    message: Message

    @cached_property
    def value(self) -> bytes:
        """The message as its topic carries it."""
        return encode(self.message)


def check(outgoing: Sequence[Outgoing], *, room: int = 0) -> None:
    """Raise TooLarge where one of the messages is larger than the bus takes, less `room` bytes."""
    for out in outgoing:
        check_size(out.topic.name, out.key.encode(), out.value, room=room)


class Outlet:
    """The way out of a stage. `channel` gives a topic as Faust sees it."""

    def __init__(self, health: StageHealth, channel: Callable[[Topic], faust.TopicT]) -> None:
        self._health = health
        self._channel = channel
        self._channels: dict[str, faust.TopicT] = {}
        self.waits: Callable[[], Awaitable[None]] | None = None
        """Called where something broken begins to be waited for."""

    async def send_all(self, outgoing: Sequence[Outgoing]) -> None:
        """Send messages and wait until all are acknowledged, for as long as it takes."""
        # Together: the broker confirms them in one round trip.
        # Those for one topic keep their order, because the client sends in the order it is asked to.
        await asyncio.gather(*(self.send(out) for out in outgoing))

    async def send(self, out: Outgoing) -> None:
        """Send a message and wait for the broker's acknowledgement, for as long as it takes."""
        await self._confirmed(out.topic, out.key.encode(), out.value, None)

    async def _confirmed(
        self, topic: Topic, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]] | None
    ) -> None:
        """Send and wait for the broker's acknowledgement, for as long as it takes."""
        channel = self._channels.get(topic.name)
        if channel is None:
            channel = self._channels[topic.name] = self._channel(topic)

        async def attempt() -> None:
            await (await channel.send(key=key, value=value, headers=headers))

        await self.persist(f"send to {topic.name}", attempt)

    async def persist(self, what: str, attempt: Callable[[], Awaitable[Any]]) -> Any:
        """Retry `attempt` until it works. Only for broken infrastructure: what can never work raises at once.

        Raises:
            InvalidMessage: a message is not what it should be, or larger than a client or the broker takes.
        """
        tries = 0
        while True:
            try:
                return await attempt()
            except InvalidMessage:
                raise
            except Exception as error:
                # Faust wraps what its client raises. A broker may take less than our topics are made to.
                if isinstance(error, MessageSizeTooLargeError) or isinstance(error.__cause__, MessageSizeTooLargeError):
                    raise TooLarge(f"too large for the bus: {error}") from error
                tries += 1
                delay = round(pause(tries, _FIRST_PAUSE, _LONGEST_PAUSE), 1)
                self._health.retrying(error)
                if tries == 1 and self.waits is not None:
                    await self.waits()
                log.warning("retrying", what=what, tries=tries, delay=delay, error=str(error) or type(error).__name__)
                await asyncio.sleep(delay)

    async def bury(self, stage: str, record: Record, reason: str) -> None:
        """A message as it came, to the dead letters."""
        letter = DeadLetter.of(stage, record, reason)
        log.warning("dead letter", reason=reason, topic=letter.topic, partition=letter.partition, offset=letter.offset)
        await self._confirmed(DEADLETTERS, letter.record_key, letter.value or b"", letter.headers())
        self._health.rejected(letter.topic, reason)
