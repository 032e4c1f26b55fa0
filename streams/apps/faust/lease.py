"""For how long a worker may write: as long as its group has heard of it within its session.

A worker that was frozen for longer than that does not know it when it wakes: its partitions are another's, and the
rebalance that would tell it so comes only with its next heartbeat. So it asks, before anything that it does to the
outside, when the broker last answered one; and where that is too long ago, it waits for the next answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aiokafka.errors import RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

_LOOK = 0.05
"""Seconds between two looks whether the broker has answered."""

# A machine that was asleep has to count that time as well.
now: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)


class Lease:
    """The right to write, from the last answer of the group's coordinator, for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._coordinator: Any = None
        self._heard = (0, 0.0)
        """Generation, and when we asked: the broker counts from later than that."""

    def watch(self, coordinator: Any) -> None:
        """Listen to what the group's coordinator answers to this member (`coordinator`: aiokafka's)."""
        send = coordinator._send_req

        async def heard(request: Any) -> Any:
            generation, asked = coordinator.generation, now()
            response = await send(request)
            if _is_heard(request, response):
                self._heard = generation, asked
            return response

        coordinator._send_req = heard
        self._coordinator = coordinator

    def known(self, generation: int) -> bool | None:
        """Whether what the group handed out in `generation` is ours; None where only the next answer can tell."""
        if self._coordinator is None:
            return True  # this process is in no group
        if self._coordinator.generation != generation:
            return False
        heard, asked = self._heard
        return True if heard == generation and now() - asked < self._seconds else None

    async def held(self, generation: int) -> bool:
        """As `known`, after the next answer where that is needed."""
        while (known := self.known(generation)) is None:
            await asyncio.sleep(_LOOK)
        return known


def _is_heard(request: Any, response: Any) -> bool:
    if isinstance(request, HeartbeatRequest):
        # While the group rebalances it waits for its members, and they keep what they have.
        return response.error_code in (0, RebalanceInProgressError.errno)
    return isinstance(request, SyncGroupRequest) and response.error_code == 0
