"""The loop around every Faust agent: it never raises, never loses, and buries what cannot be used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from runtime.bus.clients import REQUEST_BYTES
from runtime.bus.deadletters import REPLAYS_HEADER, DeadLetter
from runtime.bus.sizes import TooLarge, wire_size
from runtime.bus.source import Record
from schemas.articles import RawArticle
from schemas.codec import InvalidMessage, decode
from schemas.topics import ANALYZED, DEADLETTERS, RAW
from streams.apps import stage as stage_module
from streams.apps.outlet import Outgoing, check
from streams.apps.stage import Stage
from streams.apps.way import Position, record_of
from tests.apps.conftest import ARTICLE, Recorder, handle, record


def letter(broker: Recorder) -> DeadLetter:
    ((_, key, value, headers),) = broker.on(DEADLETTERS.name)
    found = DeadLetter.parse(headers, value)
    assert key == found.record_key
    return found


async def test_a_good_message_goes_on(stage: Stage, broker: Recorder) -> None:
    await handle(stage, record(json.dumps(ARTICLE).encode()))
    ((topic, key, value, _),) = broker.sent
    assert (topic, key) == (ANALYZED.name, b"stage-000001")
    assert decode(RawArticle, value).title == "A title"
    assert stage.health.report().handled == 1


def test_a_dead_letter_that_was_cut_says_from_what() -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    cut = DeadLetter("s", "why", RAW.name, 3, 17, b"k", b"v", at, replays=2, cut_from=99, sha256="ab12")
    assert DeadLetter.parse(cut.headers(), cut.value) == cut
    whole = replace(cut, cut_from=None, sha256=None)
    assert DeadLetter.parse(whole.headers(), whole.value) == whole


def test_a_dead_letter_of_anybody_else_is_of_unknown_origin() -> None:
    nothing = datetime(1970, 1, 1, tzinfo=UTC)
    assert DeadLetter.parse([], b"v") == DeadLetter("unknown", "unknown", "unknown", 0, 0, None, b"v", nothing)


@pytest.mark.parametrize("value", [b"junk", b"", None, b"[]", json.dumps({**ARTICLE, "title": ""}).encode()])
async def test_a_bad_message_is_buried_as_it_came(stage: Stage, broker: Recorder, value: bytes | None) -> None:
    await handle(stage, record(value))
    buried = letter(broker)
    assert (buried.value or None) == (value or None)
    assert (buried.topic, buried.partition, buried.offset, buried.stage) == (RAW.name, 3, 17, "analyze")
    assert buried.key == b"stage-000001"
    assert buried.reason
    assert stage.health.report().rejected == 1
    assert not broker.on(ANALYZED.name)


async def test_a_foreign_key_is_buried_and_none_is_accepted(stage: Stage, broker: Recorder) -> None:
    await handle(stage, record(json.dumps(ARTICLE).encode(), key=b"other"))
    assert "is not the article id" in letter(broker).reason
    await handle(stage, record(json.dumps(ARTICLE).encode(), key=None, offset=18))
    assert len(broker.on(ANALYZED.name)) == 1


async def test_a_fault_of_ours_buries_the_message_and_does_not_raise(stage: Stage, broker: Recorder) -> None:
    async def broken(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        raise ZeroDivisionError("of ours")

    await handle(stage, record(json.dumps(ARTICLE).encode()), broken)
    assert letter(broker).reason == "ZeroDivisionError: of ours"


async def test_a_step_may_refuse(stage: Stage, broker: Recorder) -> None:
    async def refuse(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        raise InvalidMessage("not for me")

    await handle(stage, record(json.dumps(ARTICLE).encode()), refuse)
    assert letter(broker).reason == "not for me"


async def test_a_broken_broker_is_retried_until_it_is_back(stage: Stage, broker: Recorder) -> None:
    broker.failures = [KafkaConnectionError("down")] * 7
    await handle(stage, record(json.dumps(ARTICLE).encode()))
    assert len(broker.on(ANALYZED.name)) == 1
    assert not broker.on(DEADLETTERS.name)
    assert stage.health.report().retries == 7


async def test_a_dead_letter_too_is_retried(stage: Stage, broker: Recorder) -> None:
    broker.failures = [KafkaConnectionError("down")] * 3
    await handle(stage, record(b"junk"))
    assert letter(broker).reason.startswith("not JSON")


async def test_an_outcome_too_large_for_the_bus_is_buried(stage: Stage, broker: Recorder) -> None:
    broker.failures = [MessageSizeTooLargeError("16 MiB")]
    await handle(stage, record(json.dumps(ARTICLE).encode()))
    assert "too large" in letter(broker).reason
    assert stage.health.report().last_error == letter(broker).reason
    labels = {"stage": "analyze", "topic": RAW.name, "outcome": "dead_letter"}
    assert stage.health.registry.get_sample_value("polywire_messages_total", labels) == 1


def test_what_follows_is_measured_with_its_key_and_to_the_byte() -> None:
    article = RawArticle.model_validate(ARTICLE)
    fits = Outgoing(ANALYZED, article.id, article)
    room = REQUEST_BYTES - wire_size(article.id.encode(), fits.value)
    check([fits], room=room)
    with pytest.raises(TooLarge, match=rf"for {ANALYZED.name} it would be {REQUEST_BYTES - room} bytes"):
        check([fits], room=room + 1)
    full = Outgoing(ANALYZED, article.id, article)
    vars(full)["value"] = fits.value + bytes(room)
    check([full])


def test_messages_come_and_go_as_they_are_also_those_without_a_value(stage: Stage) -> None:
    channel: Any = stage.channel(RAW)
    assert channel.get_topic_name() == RAW.name
    assert channel.allow_empty
    assert (channel.key_type, channel.value_type) == (bytes, bytes)
    assert (channel.key_serializer, channel.value_serializer) == ("raw", "raw")


async def test_a_word_in_passing_holds_up_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "_WORD", 0.01)
    monkeypatch.setattr(stage, "_say", lambda _: asyncio.Event().wait())
    await asyncio.wait_for(stage._say_in_passing([]), 20)


async def test_replays_are_counted_on(stage: Stage, broker: Recorder) -> None:
    await handle(stage, record(b"junk", headers=[(REPLAYS_HEADER, b"2")]))
    assert letter(broker).replays == 2


@pytest.mark.parametrize("count", [b"9" * 5_000, b"-1", b"", "²".encode(), None])
async def test_replays_that_nobody_can_have_counted_do_not_keep_a_message_from_the_dead_letters(
    stage: Stage, broker: Recorder, count: bytes | None
) -> None:
    await handle(stage, record(b"junk", headers=[(REPLAYS_HEADER, count)]))
    assert letter(broker).replays == 0


@pytest.mark.parametrize("timestamp", [-1, 95_617_584_000_000, 2**62])
async def test_a_message_of_any_time_goes_on(stage: Stage, broker: Recorder, timestamp: int) -> None:
    await handle(stage, replace(record(json.dumps(ARTICLE).encode()), timestamp=timestamp))
    assert len(broker.on(ANALYZED.name)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        [(name, value)]
        for name in ("offset", "replays", "time", "reason", "key")
        for value in (None, b"\xff", b"9" * 5_000)
    ],
)
def test_anything_on_the_topic_of_dead_letters_can_be_listed(headers: list[tuple[str, bytes]]) -> None:
    from datetime import UTC, datetime

    assert DeadLetter.parse(headers, b"?").at <= datetime.now(UTC)
    naive = DeadLetter.parse([("time", b"2026-01-01T00:00:00")], None)
    assert naive.at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("headers", [[("h", b"2")], {"h": b"2"}])
def test_headers_come_as_pairs_or_as_a_mapping(headers: Any) -> None:
    message = SimpleNamespace(
        topic=RAW.name, partition=3, offset=17, key=b"k", value=b"v", headers=headers, timestamp=1_700_000_000.5
    )
    assert record_of(message) == Record(RAW.name, 3, 17, b"k", b"v", (("h", b"2"),), 1_700_000_000_500)
    message.headers = message.timestamp = None
    assert record_of(message) == Record(RAW.name, 3, 17, b"k", b"v", (), 0)


@pytest.mark.parametrize("value", [b"", None, b"\x00\xff", b"plain"], ids=["empty", "null", "binary", "plain"])
def test_a_dead_letter_survives_the_trip(value: bytes | None) -> None:
    from datetime import UTC, datetime

    original = DeadLetter("s", "why: ñ", "t", 1, 2, b"k", value, datetime(2026, 1, 1, tzinfo=UTC), 1)
    assert DeadLetter.parse(original.headers(), value or b"") == original
