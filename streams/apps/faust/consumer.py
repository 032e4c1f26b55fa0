"""The consumer under a Faust app: it commits what the stage has handled, and fetches only what may be handed over.

Two things in Faust 0.15.3 lose messages. It computes what to commit from what was acknowledged and from the gaps it
saw between messages, and what it dropped itself is such a gap. And it asks aiokafka for the records of a set of
partitions that changes while aiokafka waits; once it is empty, aiokafka takes it to mean all partitions, and what it
then returns is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP

from runtime.bus.source import Partition
from streams.apps.faust.lease import Lease
from streams.apps.faust.progress import Progress


class StageApp(Protocol):
    """What a consumer needs of the app it is of (streams.apps.faust.app)."""

    progress: Progress
    lease: Lease


_NOTHING_TO_FETCH = 0.1
"""Seconds between two looks whether a partition may be fetched from."""
_STOP = 5.0
"""Seconds that leaving the group may take."""


class _Thread(AIOKafkaConsumerThread):
    async def on_start(self) -> None:
        await super().on_start()
        app, consumer = cast(StageApp, self.app), cast(Any, self._consumer)
        app.lease.watch(consumer._coordinator)
        commit = consumer.commit

        async def marked(offsets: Mapping[Any, OffsetAndMetadata]) -> None:
            if not offsets:
                return  # of partitions that have gone; aiokafka would raise, and Faust end the worker
            # What it says is asked here, where commits leave one after the other.
            said = {tp: app.progress.says((tp.topic, tp.partition), offset) for tp, (offset, _) in offsets.items()}
            await commit({tp: OffsetAndMetadata(offset, said[tp].encode()) for tp, (offset, _) in offsets.items()})

        consumer.commit = marked

    async def on_thread_stop(self) -> None:
        # aiokafka waits for a rebalance that is going on, which waits for Faust, which has stopped. All is said by now.
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(super().on_thread_stop(), _STOP)

    async def _fetch_records(
        self, consumer: Any, active_partitions: set[TP], timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        wanted = frozenset(active_partitions)
        if not wanted:
            await asyncio.sleep(_NOTHING_TO_FETCH)
            return {}
        return await super()._fetch_records(consumer, cast(Any, wanted), timeout, max_records)


class StageConsumer(Consumer):
    """Faust's, with its commits taken from `StageApp.progress`."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def say(self, places: Iterable[Partition]) -> None:
        """Commit where partitions stand, also those that have not moved, with what there is to say of them now."""
        progress = cast(StageApp, self.app).progress
        known = {place: progress.next(place) for place in places}
        offsets = {TP(*place): offset for place, offset in known.items() if offset is not None}
        if offsets:
            await self._commit(offsets)

    async def on_stop(self) -> None:
        """Faust's, which waits for what is in hand and commits; then the goodbye."""
        await super().on_stop()
        progress = cast(StageApp, self.app).progress
        progress.leave()
        await self.say(progress)

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterator[TP]:
        asked = None if topics is None else set(topics)
        for topic, number in cast(StageApp, self.app).progress:
            tp = TP(topic, number)
            if asked is None or tp in asked or topic in asked:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        # Faust's own account is not asked, only kept from growing.
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        self._gap.pop(tp, None)
        return cast(StageApp, self.app).progress.next(tp)
