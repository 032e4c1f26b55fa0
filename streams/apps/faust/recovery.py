"""How a worker begins to read after a rebalance, without losing the first messages.

Faust 0.15.3 lets the partitions of its streams be fetched, seeks them to where the group left off, and only then
resumes the flow, which empties the queues in front of the agents. A message that is fetched between the seek and
the emptying is in no queue and behind the position, and is taken for a gap in the log and committed past: gone for
good. It takes messages that arrive while a worker starts, and a seek that takes a moment.
"""

from __future__ import annotations

from collections.abc import Awaitable

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP


class PatientRecovery(Recovery):
    """Faust's, but partitions are fetched only when everything else is ready."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """See the module."""
        await self._before_any_fetch(super().on_recovery_completed(generation_id), generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        await self._before_any_fetch(super()._resume_streams(generation_id), generation_id)

    async def _before_any_fetch(self, resuming: Awaitable[None], generation_id: int) -> None:
        consumer = self.app.consumer
        held: set[TP] = set()
        consumer.resume_partitions = held.update  # type: ignore[method-assign, assignment]
        try:
            await resuming
        finally:
            del consumer.resume_partitions
        # After another rebalance the next recovery does it, with the partitions that are ours then.
        if held and self.app.consumer_generation_id == generation_id:
            consumer.resume_partitions(held)


class PatientTableManager(TableManager):
    """Faust's, with the recovery above."""

    @property
    def recovery(self) -> Recovery:
        """The one service that brings tables up to date and starts the streams."""
        if self._recovery is None:
            self._recovery = PatientRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
