"""The clusterer's memory, read from the bus: its table's changelog, for `polywire stories explain`."""

from __future__ import annotations

import json

from kafka import TopicPartition

from runtime.bus.clients import make_consumer
from runtime.bus.reading import to_ends
from runtime.settings import Settings
from schemas.topics import ANALYZED
from streams.apps.faust.app import changelog
from streams.stories import Clusterer, Explanation


def explain_from_memory(settings: Settings, article_id: str) -> Explanation | None:
    """How an article stands to the stories in the clusterer's memory; None where it is not in it.

    Reads the whole memory: seconds where it is large.

    Raises:
        kafka.errors.KafkaError, ConnectionError: the bus does not answer.
    """
    topic = changelog("cluster", "records", ANALYZED.partitions)
    consumer = make_consumer(settings, None, ())
    known: dict[str, object] = {}
    try:
        there = consumer.partitions_for_topic(topic.name)
        if not there:
            return None
        partitions = [TopicPartition(topic.name, partition) for partition in there]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        for record in to_ends(consumer, consumer.end_offsets(partitions)):
            key = json.loads(record.key)
            if record.value is None or record.value == b"null":
                known.pop(key, None)
            else:
                known[key] = json.loads(record.value)
    finally:
        consumer.close(autocommit=False)
    if article_id not in known:
        return None
    clusterer = Clusterer()
    clusterer.restore([(key, value) for key, value in known.items() if isinstance(value, dict)])
    return clusterer.explain(article_id)
