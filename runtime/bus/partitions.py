"""How many partitions a topic really has: the brokers say it, the catalogue only says what polywire needs."""

from __future__ import annotations

import time
from collections.abc import Mapping

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import UnknownTopicOrPartitionError

from runtime.errors import UserError
from schemas.topics import CATALOGUE, DEADLETTERS

# A dead letter stands for itself: their order means nothing, and they may have as many partitions as one likes.
IN_ORDER: Mapping[str, int] = {topic.name: topic.partitions for topic in CATALOGUE if topic is not DEADLETTERS}
"""The topics whose keys have an order, and the partitions of each."""


_KNOWN_WITHIN, _PAUSE = 3.0, 0.1
"""Seconds for a topic to become known, and between two looks."""


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Every partition that the topic has on the brokers.

    Raises:
        UnknownTopicOrPartitionError: the topic is not there.
    """
    deadline = time.monotonic() + _KNOWN_WITHIN
    while not (there := consumer.partitions_for_topic(topic)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)  # a broker hears of a topic that was just made a moment later
    if not there:
        raise UnknownTopicOrPartitionError(f"there is no topic {topic}; `polywire topics create` makes it")
    return [TopicPartition(topic, number) for number in sorted(there)]


def check_partitions(admin: KafkaAdminClient, expected: Mapping[str, int] = IN_ORDER) -> None:
    """Compare topics as they are with how many partitions each should have; those that are not there yet are passed
    over.

    Raises:
        UserError: some have more or fewer, which breaks the order of what comes under one key.
    """
    # All are asked for: asking by name would make a broker that creates topics by itself create those that are missing.
    there = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    wrong = [f"{name} has {there[name]}, not {n}" for name, n in expected.items() if there.get(name, n) != n]
    if wrong:
        raise UserError(
            f"topics with other partitions than polywire needs: {'; '.join(wrong)}. What belongs together would be "
            "read out of order or by two at once. Stop polywire, keep a copy of what these topics hold, delete them "
            "(kafka-topics.sh --delete --topic NAME) and start again: they are made anew as they should be."
        )
