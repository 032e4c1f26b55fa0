"""A group whose leader shares out partitions before it knows the topics goes on all the same."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from runtime.bus.assigning import NoticingAssignor
from runtime.bus.clients import create_topics, make_producer
from runtime.bus.source import KafkaSource
from runtime.settings import Settings
from schemas.topics import ALERTS


class Unknowing:
    """What a client knows of the cluster, before it knows any topic."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    def partitions_for_topic(self, _topic: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)


@pytest.mark.engine
def test_what_was_shared_out_in_the_dark_is_shared_out_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topics(settings)
    shared_out: list[bool] = []
    assign = NoticingAssignor.assign

    def first_in_the_dark(self: NoticingAssignor, cluster: Any, members: Sequence[Any]) -> Any:
        shared_out.append(True)
        return assign(self, Unknowing(cluster) if len(shared_out) == 1 else cluster, members)

    monkeypatch.setattr(NoticingAssignor, "assign", first_in_the_dark)
    producer = make_producer(settings, "test")
    producer.send(ALERTS.name, key=b"k", value=settings.index_prefix.encode()).get(30)
    source = KafkaSource(settings, f"group-{settings.index_prefix}", (ALERTS,))
    try:
        values: set[bytes | None] = set()
        deadline = time.monotonic() + 30
        while settings.index_prefix.encode() not in values and time.monotonic() < deadline:
            values |= {record.value for record in source.poll(1.0)}
        assert settings.index_prefix.encode() in values
        assert len(shared_out) < 5, "not again and again"
    finally:
        source.close()
        producer.close()
