"""What Faust leaves out is decided on like any other message, on a real bus."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.settings import Settings
from schemas.topics import ANALYZED, CLUSTERED, DEADLETTERS, ENRICHED
from tests.apps.workers import analyzed, clustered, eventually, messages_of, put, working
from tests.bus import records_of

pytestmark = pytest.mark.engine
NAMES = {"left-out-01", "left-out-02", "left-out-03"}


def test_cluster_decides_on_what_it_fetched_itself(fresh_engine: Settings, tmp_path: Path) -> None:
    put(fresh_engine, ANALYZED, analyzed(*NAMES), lambda one: one.id)
    with working(fresh_engine, tmp_path, "cluster", "deaf") as worker:
        eventually("three decisions", lambda: len(records_of(fresh_engine, CLUSTERED)) >= 3, worker)
        assert worker.end() == 0
    assert sorted(one.id for one in messages_of(fresh_engine, CLUSTERED)) == sorted(NAMES)
    assert records_of(fresh_engine, DEADLETTERS) == []


def test_enrich_tells_what_it_fetched_itself(fresh_engine: Settings, tmp_path: Path) -> None:
    names = {f"told-{name}" for name in NAMES}
    put(fresh_engine, CLUSTERED, clustered(*names), lambda one: one.story_id)
    with working(fresh_engine, tmp_path, "enrich", "deaf") as worker:
        eventually("three told", lambda: names <= {one.id for one in messages_of(fresh_engine, ENRICHED)}, worker)
        assert worker.end() == 0
    assert records_of(fresh_engine, DEADLETTERS) == []
