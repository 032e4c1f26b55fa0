"""A record whose header has a name that is not UTF-8 stops nobody: neither client, nor a stage."""

from __future__ import annotations

import gzip
import struct
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch

from runtime.bus import header_names
from runtime.bus.clients import create_topics, make_producer
from runtime.bus.source import KafkaSource
from runtime.settings import Settings
from schemas.topics import ALERTS


class Bytes(str):
    """A name that a client encodes to what no text is."""

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe\xfd"


def batch() -> bytes:
    """A batch as it lies on a topic: a good record, one with such a header, a good one."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1 << 20,
    )  # fmt: skip
    for offset, name in enumerate(("good", "name-----", "good")):
        builder.append(offset, timestamp=1, key=b"k", value=b"v%d" % offset, headers=[(name, b"x")])
    return bytes(builder.build())


def spoiled(codec: int) -> bytes:
    """The batch with the name of the second record's header spoiled; `codec` 1: compressed by gzip."""
    plain = batch()
    at = plain.index(b"name-----")
    broken = plain[:at] + b"\xff\xfe-------" + plain[at + 9 :]
    if codec == 0:
        return broken
    body = gzip.compress(broken[61:])
    head = bytearray(broken[:61])
    struct.pack_into(">i", head, 8, 61 - 12 + len(body))
    struct.pack_into(">h", head, 21, 1)
    return bytes(head) + body


@pytest.mark.parametrize("codec", [0, 1], ids=["plain", "gzip"])
def test_every_record_is_read_by_kafka_python(codec: int) -> None:
    records = list(DefaultRecordBatch(spoiled(codec)))
    assert [r.value for r in records] == [b"v0", b"v1", b"v2"]
    assert records[0].headers == records[2].headers == [("good", b"x")]
    assert records[1].headers == [("��-------", b"x")]


@pytest.mark.parametrize("codec", [0, 1], ids=["plain", "gzip"])
def test_every_record_is_read_by_aiokafka(codec: int) -> None:
    records: Any = header_names._Records(batch() + spoiled(codec) + batch())
    batches = []
    while records.has_next():
        batches.append([(r.value, list(r.headers)) for r in records.next_batch()])
    good = [("good", b"x")]
    assert batches[1] == [(b"v0", good), (b"v1", [("��-------", b"x")]), (b"v2", good)]
    assert batches[0] == batches[2]
    assert [value for value, _ in batches[2]] == [b"v0", b"v1", b"v2"]


def test_both_clients_raise_without_it() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(spoiled(0)).next_batch())  # type: ignore[arg-type]
    strict = DefaultRecordBatch(spoiled(0))
    read: Any = DefaultRecordBatch._read_msg
    read.__wrapped__(strict)
    with pytest.raises(UnicodeDecodeError):
        read.__wrapped__(strict)


@pytest.mark.engine
async def test_what_lies_behind_it_on_a_real_topic_is_read(settings: Settings) -> None:
    create_topics(settings)
    group, last = settings.index_prefix, settings.index_prefix.encode()
    producer = make_producer(settings, "test")
    producer.send(ALERTS.name, key=b"k", value=b"odd", headers=[(Bytes("x"), b"1")]).get(30)
    producer.send(ALERTS.name, key=b"k", value=last).get(30)
    producer.close()
    source = KafkaSource(settings, f"group-{group}", (ALERTS,))
    stage = AIOKafkaConsumer(ALERTS.name, bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await stage.start()
    try:
        seen: set[bytes | None] = set()
        deadline = time.monotonic() + 60
        while last not in seen and time.monotonic() < deadline:
            seen |= {record.value for record in source.poll(1.0)}
        assert last in seen
        read: set[bytes | None] = set()
        while last not in read and time.monotonic() < deadline:
            for found in (await stage.getmany(timeout_ms=500)).values():
                read |= {record.value for record in found}
        assert last in read
    finally:
        await stage.stop()
        source.close()
