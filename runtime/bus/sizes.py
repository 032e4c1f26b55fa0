"""How large a message may be, measured before it is sent.

A client refuses what is larger than it sends, each in its own way: one raises, one wraps what it raises, one ends the
process from a buffer in the background. What is measured here never gets as far.
"""

from __future__ import annotations

from collections.abc import Iterable

from runtime.bus.clients import REQUEST_BYTES
from schemas.codec import InvalidMessage

_BATCH = 256
"""Bytes around a message: the batch's head, lengths and time. Clients take 61 and at most 21."""
_PER_HEADER = 10

ROOM = 256 * 1024
"""Bytes that an article grows by at most in each stage after it was analyzed: the decision on it; its story in short
and the names that the story has for persons."""


class TooLarge(InvalidMessage):
    """A message that the bus does not take, or from which such a one would follow."""


def wire_size(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> int:
    """What a message comes to in a request of its own, in bytes; a little more rather than less."""
    size = _BATCH + len(key or b"") + len(value or b"")
    return size + sum(_PER_HEADER + len(name.encode()) + len(said) for name, said in headers)


def check_size(topic: str, key: bytes | None, value: bytes | None, *, room: int = 0) -> None:
    """Raise TooLarge where a message for `topic` is larger than our clients send, less `room`."""
    size, limit = wire_size(key, value), REQUEST_BYTES - room
    if size > limit:
        raise TooLarge(f"too large for the bus: for {topic} it would be {size} bytes, {limit} are taken")
