"""How far a stage is behind, and what it does where messages wait and nothing moves.

Faust drops messages around a rebalance. What comes after them shows that they are missing; where nothing does, they
are fetched once nothing has moved for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from faust.types import TP

from runtime.bus.source import Partition
from runtime.bus.topic_ids import made_anew
from runtime.health import StageHealth
from runtime.logs import get_logger
from streams.apps.faust.progress import Progress

log = get_logger(__name__)

PULSE = 2.0
"""Seconds between two looks at the lag."""
ANSWER_WITHIN = 20.0
"""Seconds that Kafka has to say how long its topics are: while it hangs, the stage is well, and has to beat."""
STANDSTILL = 15.0
"""Seconds without a message handled, while messages wait, after which they are fetched without Faust."""
AT_ONCE = 100
"""Messages that are fetched so at a time: an article with its embedding is 10 to 20 kB."""


class Pulsing(Protocol):
    """What is looked after of a stage (streams.apps.stage)."""

    app: Any
    health: StageHealth
    progress: Progress
    turn: asyncio.Lock

    @property
    def between_owners(self) -> bool: ...

    def mine(self) -> list[Partition]: ...

    async def ask(self, places: Collection[Partition]) -> None: ...

    async def fetch(self, place: Partition, first: int, end: int) -> None: ...

    async def topic_ids(self) -> Mapping[str, str]: ...


class Standstill:
    """Looks after a stage whose `pulse` it is."""

    def __init__(self, stage: Pulsing) -> None:
        self._stage = stage
        self._seen: dict[Partition, int] = {}
        self._moved = time.monotonic()

    async def pulse(self) -> None:
        """A sign of life, and a look at the lag."""
        stage = self._stage
        stage.health.beat()
        await self._doubt_what_was_made_anew()
        try:
            waiting = await self._waiting(stage.mine())
        except Exception as error:  # a look at the lag must never stop the stage
            log.debug("lag unknown", error=str(error))
            return
        stage.health.lag({place: end - first for place, (first, end) in waiting.items()})
        for place, (first, end) in waiting.items():
            if first == end and stage.progress.next(place) == end:
                stage.progress.ledger(place).idle()
        await self._catch_up(waiting)

    async def _doubt_what_was_made_anew(self) -> None:
        """Where a topic's name stands for another one now, ask again where to begin."""
        progress = self._stage.progress
        try:
            ids = await asyncio.wait_for(asyncio.shield(self._stage.topic_ids()), ANSWER_WITHIN)
        except Exception as error:  # nor must this look
            log.debug("topic ids unknown", error=str(error))
            return
        for place in progress:
            if made_anew(progress.ledger(place).topic_id, ids.get(place[0])):
                # That is said, with a warning, by whoever asks where to begin.
                progress.doubt(place)

    async def _waiting(self, places: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """For each partition the next offset to handle, and the end."""
        stage = self._stage
        if not places:
            return {}
        if any(stage.progress.next(place) is None for place in places) and not stage.turn.locked():
            async with stage.turn:
                await stage.ask([place for place in places if stage.progress.next(place) is None])
        # Not cancelled, which the client's own thread would not expect: it gives up by itself.
        asked = asyncio.shield(stage.app.consumer.highwaters(*(TP(*place) for place in places)))
        ends = await asyncio.wait_for(asked, ANSWER_WITHIN)
        found = {}
        for place in places:
            first, end = stage.progress.next(place), ends.get(TP(*place))
            if first is None or end is None:
                continue
            if end < first:
                log.warning("log was cut", topic=place[0], partition=place[1], handled=first, end=end)
                stage.progress.doubt(place)
            else:
                found[place] = first, end
        return found

    async def _catch_up(self, waiting: dict[Partition, tuple[int, int]]) -> None:
        """Fetch what waits, where nothing has moved for a while: Faust dropped it, and nothing came after it."""
        stage, now = self._stage, time.monotonic()
        seen = {place: first for place, (first, _) in waiting.items()}
        behind = {place: end for place, (first, end) in waiting.items() if first < end}
        busy = stage.turn.locked() or stage.between_owners
        if busy or not behind or seen != self._seen:
            self._seen, self._moved = seen, now
        if now - self._moved < STANDSTILL:
            return
        for place, end in behind.items():
            # In pieces: whoever else waits for the turn, to let the partition go for one, gets it in between.
            while await self._piece(place, end):
                pass
        self._moved = time.monotonic()

    async def _piece(self, place: Partition, end: int) -> bool:
        """Fetch some of what waits; whether there may be more."""
        stage = self._stage
        async with stage.turn:
            first = stage.progress.next(place)
            if first is None or first >= end or stage.between_owners:
                return False
            await stage.fetch(place, first, min(end, first + AT_ONCE))
            return stage.progress.next(place) not in (None, first)
