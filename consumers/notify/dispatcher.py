"""Delivering what is in the outbox: one destination after its own order and patience, none waiting for another.

Runs on a thread of its own (an event loop). Each destination has a queue: its deliveries go one by one, in order, and
while it fails, they wait for it, with growing pauses, or as long as it asks for (Retry-After). What cannot be
delivered in time, or is refused for good, is given up: a dead letter, then the record.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.notify.outbox import LEASE, Delivery, Outbox
from consumers.notify.webhook import Answer
from runtime.backoff import pause
from runtime.logs import get_logger

log = get_logger(__name__)

_LAST_TRY_SECONDS = 20.0
"""A little more than a webhook may take."""

_RECORDING = 0.5, 30.0
"""Seconds between tries of writing down what happened: the first and the longest."""

_LOOK_AGAIN = 30.0
"""Seconds after which a delivery that is held is looked at again, by whoever takes it up."""

Sender = Callable[[Delivery], Awaitable[Answer]]
GiveUp = Callable[[Delivery, str], None]
"""Writes the dead letter; returns when it is safe."""
Count = Callable[[Delivery, str], None]
"""Told of each outcome: delivered, retried, held, dropped, given up."""


@dataclass(frozen=True)
class Patience:
    """Seconds. The pauses double from the first to the longest, until a delivery is `give_up_after` old."""

    first: float = 2.0
    longest: float = 600.0
    give_up_after: float = 6 * 3600.0

    def pause(self, attempts: int) -> float:
        """After so many failed tries, give or take a fifth, so that a recovering receiver is not hit by all at once."""
        return pause(attempts, self.first, self.longest)


class Dispatcher:
    """Works on deliveries until closed; those it has not finished are let go of."""

    def __init__(
        self, outbox: Outbox, send: Sender, give_up: GiveUp, count: Count, patience: Patience | None = None
    ) -> None:
        self._outbox = outbox
        self._send = send
        self._give_up = give_up
        self._count = count
        self._patience = patience or Patience()
        self._queues: dict[str, deque[Delivery]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, Delivery] = {}
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Deliveries in hand."""
        return len(self._held)

    def submit(self, delivery: Delivery) -> None:
        """Deliver it, after what its destination has before it. The outbox holds it for us."""
        self._held[delivery.id] = delivery
        self._loop.call_soon_threadsafe(self._enqueue, delivery)

    def close(self) -> None:
        """Finish the tries in flight; what is not delivered then is let go of, for the next who looks."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=_LAST_TRY_SECONDS + 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._outbox.release(self._held.values())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._renewing = self._loop.create_task(self._renew())
        self._loop.run_forever()

    async def _stop(self) -> None:
        self._stopping.set()
        workers = list(self._workers.values())
        if workers:
            await asyncio.wait(workers, timeout=_LAST_TRY_SECONDS)
        for task in (self._renewing, *workers):
            task.cancel()
        await asyncio.gather(self._renewing, *workers, return_exceptions=True)

    def _enqueue(self, delivery: Delivery) -> None:
        queue = self._queues.setdefault(delivery.destination, deque())
        queue.append(delivery)
        if delivery.destination not in self._workers:
            self._workers[delivery.destination] = self._loop.create_task(self._work(delivery.destination))

    async def _work(self, destination: str) -> None:
        queue = self._queues[destination]
        try:
            while queue and not self._stopping.is_set():
                delivery = queue[0]
                if not await self._deliver(delivery):
                    return
                queue.popleft()
                self._held.pop(delivery.id, None)
        finally:
            del self._workers[destination], self._queues[destination]

    async def _deliver(self, delivery: Delivery) -> bool:
        """Try until it is delivered or given up; False when stopped before."""
        while True:
            delivery = delivery.tried()
            try:
                answer = await self._send(delivery)
            except Exception as error:
                log.error("delivery failed unexpectedly", delivery=delivery.id, exc_info=True)
                answer = Answer(False, True, f"{type(error).__name__}: {error}")
            if answer.ok:
                await self._insist(self._outbox.delivered, delivery, answer.status, answer.sent_to)
                self._count(delivery, "delivered")
                return True
            if answer.dropped:
                await self._insist(self._outbox.dropped, delivery, answer.error)
                self._count(delivery, "dropped")
                log.info("delivery dropped", destination=delivery.shown, alert=delivery.alert.id, reason=answer.error)
                return True
            if answer.held:
                again = datetime.now(UTC) + timedelta(seconds=min(answer.retry_after, _LOOK_AGAIN))
                await self._insist(self._outbox.set_aside, delivery, answer.error, again)
                self._count(delivery, "held")
                return True
            age = (datetime.now(UTC) - delivery.created).total_seconds()
            if answer.final or age > self._patience.give_up_after:
                reason = answer.error if answer.final else f"given up after {delivery.attempts} tries: {answer.error}"
                await self._insist(self._give_up, delivery, f"{delivery.shown}: {reason}")
                await self._insist(self._outbox.given_up, delivery, reason)
                self._count(delivery, "given_up")
                return True
            wait = max(self._patience.pause(delivery.attempts), answer.retry_after)
            next_attempt = datetime.now(UTC) + timedelta(seconds=wait)
            await self._insist(self._outbox.failed_once, delivery, answer.error, next_attempt)
            self._count(delivery, "retried")
            log.warning(
                "delivery failed, will retry", destination=delivery.shown, error=answer.error,
                attempt=delivery.attempts, seconds=round(wait, 1),
            )  # fmt: skip
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
                return False

    async def _insist(self, act: Callable[..., None], *arguments: Any) -> None:
        """Record what happened, however long Elasticsearch or Kafka are away: forgetting it would send twice."""
        failures = 0
        while True:
            try:
                await asyncio.to_thread(act, *arguments)
                return
            except Exception as error:
                log.warning("outbox not reachable, will retry", error=str(error) or type(error).__name__)
                failures += 1
                await asyncio.sleep(pause(failures, *_RECORDING))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await asyncio.to_thread(self._outbox.renew, list(self._held.values()))
            except Exception as error:
                log.warning("leases not renewed", error=str(error) or type(error).__name__)
