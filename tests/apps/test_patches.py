"""docs/patches.md says what is relied on of the inside of libraries: it is there, and still as it was."""

from __future__ import annotations

import asyncio
import re
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.record.util import calc_crc32c
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP
from intervaltree import IntervalTree
from kafka.record import default_records, util

from runtime.bus.clients import create_topics
from runtime.settings import Settings
from schemas.topics import RAW
from streams.apps.faust.patience import pause_after_empty_fetches

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/patches.md").read_text()
PINNED = dict(re.findall(r"^\| `([a-z-]+)` \| `([0-9.]+)` \|$", PAGE, re.M))
PARTS = re.findall(r"^\| `([\w.]+:[\w.]+)` \|.*\| `(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, re.M)
PLACE = TP("articles.clustered", 4)


def test_the_page_is_read() -> None:
    assert len(PINNED) == 4
    assert len(PARTS) == PAGE.count("tests/") - PAGE.count("`tests/apps/test_patches.py` holds")


@pytest.mark.parametrize("library", PINNED)
def test_the_versions_are_pinned_together(library: str) -> None:
    assert version(library) == PINNED[library]
    pin = f"{library}=={PINNED[library]}"
    assert pin in (ROOT / "constraints.txt").read_text().splitlines()
    assert pin in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


@pytest.mark.parametrize(("part", "file", "test"), PARTS)
def test_every_part_is_there(part: str, file: str, test: str) -> None:
    module, _, path = part.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    assert callable(found)
    assert re.search(rf"^(async def|def|class) {test}\b", (ROOT / file).read_text(), re.M)


# When one of these fails, the library has mended it, and what we do instead can go.


def test_faust_commits_past_what_it_dropped() -> None:
    consumer: Any = Consumer.__new__(Consumer)
    # 20 to 23 were fetched and dropped in a rebalance: to Faust a gap in the log.
    consumer._acked, consumer._acked_index = {PLACE: [24]}, {PLACE: {24}}
    consumer._gap, consumer._committed_offset = {PLACE: IntervalTree.from_tuples([(20, 24)])}, {PLACE: 20}
    assert consumer._new_offset(PLACE) == 25


async def test_aiokafka_takes_no_partition_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FetchResult, "getall", lambda *_: ["message 11"])
    monkeypatch.setattr(FetchResult, "has_more", lambda *_: True)
    fetcher: Any = Fetcher.__new__(Fetcher)
    fetcher._records = {PLACE: FetchResult.__new__(FetchResult)}
    fetcher._subscriptions = SimpleNamespace(reassignment_in_progress=False)
    fetcher._fetch_task, fetcher._closed = None, True
    assert await Fetcher.fetched_records(fetcher, set()) == {PLACE: ["message 11"]}


def test_faust_lets_nothing_but_a_stream_write_to_a_table() -> None:
    table: Any = faust.App("patches", web_enabled=False).Table("table", partitions=1)
    with pytest.raises(TypeError, match="outside of stream iteration"):
        table["a"] = 1


def test_kafka_python_computes_checksums_in_python() -> None:
    assert util.crc32c_c is None, "the LGPL package is there, or kafka-python has something of its own"
    assert util.calc_crc32c(b"123456789", _crc32c=util.crc32c_py) == calc_crc32c(b"123456789")
    assert default_records.calc_crc32c is calc_crc32c


async def test_faust_sleeps_at_the_end() -> None:
    ending = faust.Worker(faust.App("patches", web_enabled=False))._sentinel_task()
    assert ending.send(None) is not None, "it waits, though nothing is left"
    ending.close()


@pytest.mark.engine
async def test_aiokafka_asks_the_embedded_engine_without_pause(
    engine: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(create_topics, engine)
    pause_after_empty_fetches()
    patient: Any = Fetcher._proc_fetch_request
    fetch = next(cell.cell_contents for cell in patient.__closure__ if callable(cell.cell_contents))
    asked = 0

    async def counted(self: Any, *args: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        return await fetch(self, *args, **options)

    monkeypatch.setattr(Fetcher, "_proc_fetch_request", counted)
    consumer = AIOKafkaConsumer(bootstrap_servers=engine.kafka_bootstrap, auto_offset_reset="latest")
    consumer.subscribe([RAW.name])
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while asked < 50:  # with the pause it would take as long as there are pauses in it
                await asyncio.sleep(0.01)
    finally:
        await consumer.stop()


def test_the_pause_is_made_once_however_many_stages_a_process_has() -> None:
    pause_after_empty_fetches()
    once = Fetcher._proc_fetch_request
    pause_after_empty_fetches()
    assert Fetcher._proc_fetch_request is once
