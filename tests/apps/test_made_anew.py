"""A topic that is deleted, made anew and refilled beyond what was handled of the one before."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from runtime.bus.clients import create_topics, group_lag, make_admin
from runtime.bus.topic_ids import TopicIds
from runtime.settings import Settings
from schemas.topics import ANALYZED, CLUSTERED, Topic
from tests.apps.workers import analyzed, eventually, messages_of, put, working
from tests.consumers.conftest import Bus, Start, bus, start
from tests.runtime.bus.test_loop_on_kafka import ALERTS, Recorder
from tests.runtime.bus.test_loop_on_kafka import put as put_alerts

__all__ = ["bus", "start"]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(290)]


@pytest.fixture
def settings(fresh_engine: Settings) -> Settings:
    create_topics(fresh_engine)
    return fresh_engine


def make_anew(settings: Settings, topic: Topic) -> None:
    admin = make_admin(settings)
    admin.delete_topics([topic.name])
    deadline = time.monotonic() + 30
    while topic.name in admin.list_topics() and time.monotonic() < deadline:
        time.sleep(0.2)
    admin.close()
    create_topics(settings)


def test_an_id_is_absent_or_tells_a_topic_from_the_one_before(settings: Settings) -> None:
    create_topics(settings)
    ids = TopicIds(settings)
    before = ids.of([ANALYZED.name, "nobody.made.this"])
    make_anew(settings, ANALYZED)
    after = ids.of([ANALYZED.name])
    ids.close()
    if settings.engines == "embedded":
        assert (before, after) == ({}, {}), "it gives none: what is lost there is lost"
    else:
        assert before.keys() == after.keys() == {ANALYZED.name}
        assert before != after


@pytest.mark.real_engines  # the embedded engine gives topics no id
def test_a_stage_that_was_frozen_handles_all_of_the_new_topic(settings: Settings, tmp_path: Path) -> None:
    old, new = [f"article-old-{n}" for n in range(24)], [f"article-new-{n}" for n in range(60)]
    put(settings, ANALYZED, analyzed(*old), lambda one: one.id)
    with working(settings, tmp_path, "cluster") as worker:
        eventually("the old ones", lambda: set(old) <= {one.id for one in messages_of(settings, CLUSTERED)}, worker)
        lag = {"polywire-cluster": [ANALYZED]}
        eventually("commits", lambda: group_lag(settings, lag)["polywire-cluster"][ANALYZED.name] == 0, worker)
        worker.signal(signal.SIGSTOP)
        make_anew(settings, ANALYZED)
        put(settings, ANALYZED, analyzed(*new), lambda one: one.id)
        worker.signal(signal.SIGCONT)
        eventually("the new ones", lambda: set(new) <= {one.id for one in messages_of(settings, CLUSTERED)}, worker)
        assert "topic_made_anew" in worker.log.read_text()
        assert worker.end() == 0


@pytest.mark.real_engines
def test_a_running_consumer_handles_all_of_the_new_topic(settings: Settings, bus: Bus, start: Start) -> None:
    handler = Recorder()
    running = start(handler)
    put_alerts(bus, range(12), range(2))
    eventually("the old ones", lambda: len(handler.seen) >= 24)
    handler.down.set()  # so that it commits nothing while the topic is filled
    make_anew(settings, ALERTS)
    sent = put_alerts(bus, range(12), range(100, 106))
    handler.down.clear()
    eventually("the new ones", lambda: set(sent) <= set(handler.seen))
    assert running.failure is None
