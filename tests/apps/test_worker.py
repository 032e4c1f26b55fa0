"""How a stream's process ends."""

from __future__ import annotations

import asyncio

import faust
import pytest

from streams.apps.faust import worker as module
from streams.apps.faust.worker import Worker


@pytest.fixture
def worker() -> Worker:
    return Worker(faust.App("ending", web_enabled=False))


async def test_it_ends_at_once_when_nothing_is_left(worker: Worker) -> None:
    # Of its own accord, in one turn of the loop: there is nothing that it could wait for.
    ending = worker._sentinel_task()
    with pytest.raises(StopIteration):
        ending.send(None)


async def test_what_was_cancelled_cleans_up_first(worker: Worker) -> None:
    cleaned = asyncio.Event()

    async def left_over() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            cleaned.set()

    task = asyncio.create_task(left_over())
    await asyncio.sleep(0)
    task.cancel()
    await worker._sentinel_task()
    assert cleaned.is_set()


async def test_what_never_ends_is_not_waited_for(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE", 0.01)
    left_over = asyncio.create_task(asyncio.Event().wait())
    await asyncio.wait_for(worker._sentinel_task(), 20)
    left_over.cancel()
