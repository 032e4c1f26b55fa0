"""Reading a topic to its end, for tests that ask what is on it now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer

from runtime.bus.clients import make_consumer
from runtime.bus.partitions import partitions_of
from runtime.bus.reading import to_ends
from runtime.settings import Settings
from schemas.topics import ANALYZED, CLUSTERED, ENRICHED, RAW, Topic


def records_of(settings: Settings, topic: Topic, starts: Mapping[int, int] | None = None) -> list[Any]:
    """Every record that is on the topic now, however long the broker takes.

    `starts`: from which offset, by partition.
    """
    consumer: KafkaConsumer = make_consumer(settings, None, ())
    try:
        partitions = partitions_of(consumer, topic.name)
        consumer.assign(partitions)
        for each in partitions:
            consumer.seek(each, (starts or {}).get(each.partition, 0))
        return list(to_ends(consumer, consumer.end_offsets(partitions)))
    finally:
        consumer.close()


def whereabouts(settings: Settings, ids: set[str]) -> str:
    """How far articles have come: for each topic on their way, how many of `ids` are not on it, and at which offsets
    those that are begin and end."""
    lines = []
    for topic in (RAW, ANALYZED, CLUSTERED, ENRICHED):
        offsets: dict[str, list[tuple[int, int]]] = {}
        records = records_of(settings, topic)
        for record in records:
            key = json.loads(record.value).get("id") if record.value else None
            if key in ids:
                offsets.setdefault(key, []).append((record.partition, record.offset))
        places = sorted(place for each in offsets.values() for place in each)
        shown = f", {places[0]} to {places[-1]}" if places else ""
        lines.append(f"{topic.name}: {len(ids - offsets.keys())} of {len(ids)} are not among {len(records)}{shown}")
    return "\n".join(lines)
