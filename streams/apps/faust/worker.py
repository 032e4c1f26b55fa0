"""The process around a Faust app: how it ends."""

from __future__ import annotations

import asyncio
import signal

import faust

from runtime.watchdog import WATCHDOG

_GRACE = 1.0
"""Seconds that cancelled tasks may take to clean up."""


class Worker(faust.Worker):
    """Faust's, without the second that it sleeps between the end of all work and the end of the process, and with a
    limit to how long it takes to end.
    """

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        WATCHDOG.stopping()
        super()._schedule_shutdown(signal)

    def finish(self) -> None:
        """End as on SIGTERM."""
        self._on_sigterm()

    async def _sentinel_task(self) -> None:
        """Runs last, when the app is stopped, its offsets are committed, and what was left over is cancelled."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=_GRACE)
