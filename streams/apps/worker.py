"""The process around a Faust app: how it ends."""

from __future__ import annotations

import asyncio

import faust

_GRACE = 1.0
"""Seconds that cancelled tasks may take to clean up."""


class Worker(faust.Worker):
    """Faust's, without the second that it sleeps between the end of all work and the end of the process."""

    async def _sentinel_task(self) -> None:
        """Runs last, when the app is stopped, its offsets are committed, and what was left over is cancelled."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=_GRACE)
