"""A table's changes are confirmed by the broker before anything that follows from them is sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.serializers import codecs

from runtime.settings import Settings
from schemas.topics import ANALYZED, DEADLETTERS
from streams.apps import outlet as module
from streams.apps.faust.tables import ConfirmedTable
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from tests.apps.conftest import ARTICLE, Recorder, echo, handle, ready, record


class Changelog:
    """Stands where the changelog topic is: the test says when and how a change is answered."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, Any, asyncio.Future[Any]]] = []
        self.places: list[tuple[int, int]] = []
        self.values: list[bytes | None] = []
        """As they lie on the topic."""

    async def send(
        self, *, key: Any, value: Any, partition: int, headers: dict[str, bytes], value_serializer: str | None = None
    ) -> Any:
        future: Any = asyncio.get_running_loop().create_future()
        self.values.append(codecs.dumps(value_serializer or "json", value))
        self.sent.append((key, value, future))
        self.places.append((partition, int(headers["generation"])))
        return future

    def answer(self, offset: int = 0) -> None:
        """Every change so far is on the broker."""
        for _, _, future in self.sent:
            if not future.done():
                future.set_result(SimpleNamespace(offset=offset))


async def turns(count: int = 50) -> None:
    """Everything goes as far as it can without an answer, however slow the machine is."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage("cluster", Settings(state_dir=tmp_path))


@pytest.fixture
def table(stage: Stage, changelog: Changelog, monkeypatch: pytest.MonkeyPatch) -> ConfirmedTable:
    table = stage.table("records", ANALYZED, None)
    monkeypatch.setattr(ConfirmedTable, "changelog_topic", changelog)
    return table


async def follows(stage: Stage, table: ConfirmedTable, broken: bool = False) -> None:
    """The way of a message on partition 3, which is decided on."""

    async def decide(article: Any, source: Any) -> list[Outgoing]:
        table[article.id] = "decided"
        table.pop("forgotten", None)
        if broken:
            raise ZeroDivisionError("of ours")
        return list(await echo(article, source))

    await handle(stage, record(json.dumps(ARTICLE).encode()), decide)


async def test_nothing_is_told_before_it_is_stored(
    stage: Stage, table: ConfirmedTable, changelog: Changelog, broker: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(stage, broker, monkeypatch)
    table.data["forgotten"] = "old"
    working = asyncio.create_task(follows(stage, table))
    await turns()
    assert [(key, value) for key, value, _ in changelog.sent] == [("stage-000001", "decided"), ("forgotten", None)]
    assert changelog.values == [b'"decided"', None], "of which only none is a deletion"
    assert broker.sent == []
    changelog.answer()
    await working
    assert len(broker.on(ANALYZED.name)) == 1


async def test_a_change_goes_to_the_partition_of_the_message_in_hand_whoever_has_it(
    stage: Stage, table: ConfirmedTable, changelog: Changelog, broker: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no event of Faust's here, as there is none in a timer."""
    ready(stage, broker, monkeypatch)
    stage.app.consumer_generation_id = 7
    working = asyncio.create_task(follows(stage, table))
    await turns()
    assert changelog.places == [(3, 7)]
    changelog.answer()
    await working
    assert not broker.on(DEADLETTERS.name)


async def test_what_a_buried_message_changed_is_taken_back(
    stage: Stage, table: ConfirmedTable, changelog: Changelog, broker: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(stage, broker, monkeypatch)
    table.data["forgotten"] = "old"
    forgot: list[bool] = []
    stage.forget = lambda: forgot.append(True)
    await follows(stage, table, broken=True)
    assert len(broker.on(DEADLETTERS.name)) == 1
    assert dict(table.data.items()) == {"forgotten": "old"}
    assert forgot, "what is in memory knows of the change"
    assert changelog.sent == []


async def test_a_change_that_failed_is_sent_again(
    stage: Stage, table: ConfirmedTable, changelog: Changelog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.0)
    table["a"], table["b"] = "new", "other"
    waiting = asyncio.create_task(stage.outlet.persist("store", table.confirmed))
    await turns()
    changelog.sent[0][2].set_exception(ConnectionError("gone"))
    changelog.answer()
    await turns()
    assert [(key, value) for key, value, _ in changelog.sent] == [("a", "new"), ("b", "other"), ("a", "new")]
    assert not waiting.done()
    changelog.answer()
    await asyncio.wait_for(waiting, 1)
    await table.confirmed()
    assert len(changelog.sent) == 3


async def test_what_another_worker_decides_now_is_forgotten_here(stage: Stage, table: ConfirmedTable) -> None:
    table.data["a"] = "theirs"
    table["a"] = "ours"
    await stage._revoked()
    assert table["a"] == "theirs"
    await asyncio.wait_for(table.confirmed(), 1)


async def test_what_was_made_and_deleted_for_one_message_is_taken_back(table: ConfirmedTable) -> None:
    table["a"] = "new"
    table.pop("a")
    assert table.take_back()
    assert "a" not in table.data


def change(key: str, value: str | None, offset: int, generation: int | None, partition: int = 0) -> Any:
    headers = None if generation is None else [("generation", b"%d" % generation)]
    message = SimpleNamespace(partition=partition, offset=offset, headers=headers, value=value)
    return SimpleNamespace(key=key, value=value, message=message)


class TestWritersThatWereSucceeded:
    """A worker that slept over the end of its session stores a decision when another has decided already."""

    log = (
        change("old", "of an earlier release", 0, None),
        change("a", "first", 1, 4),
        change("b", "right", 2, 6),
        change("a", "ghost's", 3, 4),
        change("b", None, 4, 5),
        change("c", "right", 5, 6),
        change("d", "of an earlier release", 6, None),
    )

    def test_do_not_replace_what_is_right(self, table: ConfirmedTable) -> None:
        table.apply_changelog_batch(self.log)
        right = {"old": "of an earlier release", "a": "first", "b": "right", "c": "right", "d": "of an earlier release"}
        assert dict(table.data.items()) == right

    def test_nor_when_the_log_is_read_again_or_piece_by_piece(self, table: ConfirmedTable) -> None:
        for _ in range(2):
            for one in self.log:
                table.apply_changelog_batch([one])
        assert table["a"] == "first", "which was written before the later generation came"
        assert table["b"] == "right"

    def test_and_on_another_partition_nobody_is_succeeded_by_them(self, table: ConfirmedTable) -> None:
        table.apply_changelog_batch([*self.log, change("e", "right", 9, 4, partition=1)])
        assert table["e"] == "right"

    def test_and_what_is_kept_of_writers_does_not_grow_with_what_they_write(self, table: ConfirmedTable) -> None:
        for _ in range(2):
            table.apply_changelog_batch([*self.log, *(change("f", "right", 7 + n, 6) for n in range(9))])
        assert table._of(0)._since == [(1, 4), (2, 6)]

    def test_a_group_that_was_made_anew_counts_on_from_what_is_stored(self, table: ConfirmedTable) -> None:
        assert table.take(0, 9) == 9, "nothing is stored"
        table.apply_changelog_batch(self.log)
        assert table.take(0, 6) == 6
        assert table.take(0, 2) == 7

    async def test_so_does_one_whose_changes_are_all_our_own(self, table: ConfirmedTable, changelog: Changelog) -> None:
        for offset, (generation, expected) in enumerate([(40, 40), (1, 41), (1, 41), (2, 42)]):
            assert table.take(0, generation) == expected
            table["a"] = "ours"
            storing = asyncio.create_task(table.confirmed())
            await turns()
            changelog.answer(offset)
            await storing
