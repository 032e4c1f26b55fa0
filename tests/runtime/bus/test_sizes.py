"""What is measured before it is sent is what the clients take, to the byte or a little less; a dead letter always
fits."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer

from runtime.bus.clients import REQUEST_BYTES, create_topics, make_producer
from runtime.bus.deadletters import DeadLetter, kafka_dead_letters
from runtime.bus.sizes import TooLarge, check_size, wire_size
from runtime.bus.source import Record
from runtime.settings import Settings
from schemas.topics import DEADLETTERS, RAW
from tests.bus import records_of


def largest(key: bytes, headers: list[tuple[str, bytes]]) -> bytes:
    """The longest value that is not found too large."""
    return bytes(REQUEST_BYTES - wire_size(key, b"", headers))


@pytest.mark.engine
async def test_what_is_found_to_fit_both_clients_take(settings: Settings) -> None:
    create_topics(settings)
    headers = [(f"header-{number}", b"x" * number) for number in range(50)]
    value = largest(b"key", headers)
    producer = make_producer(settings, "sizes")
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, max_request_size=REQUEST_BYTES, enable_idempotence=False
    ) as other:
        producer.send(RAW.name, key=b"key", value=value, headers=headers).get(60)
        await other.send_and_wait(RAW.name, key=b"key", value=value, headers=headers)
    producer.close(timeout=5)


def test_a_byte_more_is_too_large() -> None:
    value = largest(b"key", [])
    check_size(RAW.name, b"key", value)
    for key, longer, room in ((b"key", value + b"x", 0), (b"key!", value, 0), (b"key", value, 1)):
        with pytest.raises(TooLarge, match=f"{REQUEST_BYTES - room} are taken"):
            check_size(RAW.name, key, longer, room=room)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("key", "value"),
    [(b"k", b"v" * REQUEST_BYTES), (b"k" * REQUEST_BYTES, None), (b"k" * (9 << 20), b"v" * (9 << 20))],
    ids=["long value", "long key and no value", "long together"],
)
def test_a_dead_letter_of_what_does_not_fit_is_cut_and_gets_there(
    settings: Settings, key: bytes, value: bytes | None
) -> None:
    create_topics(settings)
    letter = DeadLetter.of("sizes", Record(RAW.name, 5, 77, key, value), "ж" * 100_000)
    producer = make_producer(settings, "sizes")
    kafka_dead_letters(producer)(letter)
    producer.close(timeout=5)
    record = [r for r in records_of(settings, DEADLETTERS) if r.key == f"{RAW.name}/5/77".encode()][-1]
    found = DeadLetter.parse(record.headers, record.value)
    assert (found.topic, found.partition, found.offset) == (RAW.name, 5, 77)
    assert found.cut_from == len(value or b"")
    assert found.sha256 == hashlib.sha256(value or b"").hexdigest()
    assert found.key
    assert key.startswith(found.key)
    assert (found.value is None) == (value is None)
    assert (value or b"").startswith(found.value or b"")


def test_a_letter_that_fits_is_whole() -> None:
    record = Record(RAW.name, 1, 2, b"k", bytes(REQUEST_BYTES - 8 * 1024))
    letter = DeadLetter.of("sizes", record, "no")
    assert (letter.value, letter.cut_from, letter.sha256) == (record.value, None, None)


def test_a_letter_of_an_earlier_release_is_whole() -> None:
    letter = DeadLetter("s", "why", "t", 1, 2, b"k", b"v", datetime(2026, 1, 1, tzinfo=UTC), 0)
    assert "cut" not in dict(letter.headers())
    assert DeadLetter.parse(letter.headers(), b"v") == letter
