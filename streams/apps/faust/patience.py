"""For the embedded engine only: a pause after a fetch that brought nothing.

A broker keeps an empty fetch waiting for half a second; the embedded engine answers it at once, and a consumer that
asks again at once keeps a fifth of a processor busy doing nothing. aiokafka has no setting for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import cache
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

_PAUSE = 0.05
"""Seconds; also the longest an article waits for it."""


@cache  # a process has one fetcher class, however many stages: the pauses would add up
def pause_after_empty_fetches() -> None:
    """Make every aiokafka consumer of this process pause after a fetch that brought nothing."""
    fetch = Fetcher._proc_fetch_request

    async def patient(self: Any, *args: Any, **options: Any) -> Any:
        brought_something = await fetch(self, *args, **options)
        if not brought_something:
            # Cancelled when the consumer closes, which waits for this to return.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(_PAUSE)
        return brought_something

    Fetcher._proc_fetch_request = patient
