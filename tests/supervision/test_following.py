"""What `polywire up` shows of alerts."""

from __future__ import annotations

import time

import pytest

from polywire.supervision.following import AlertFollower, alert_line
from runtime.bus.clients import create_topics, make_producer, publish
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.topics import ALERTS
from tests.consumers.make import alert


@pytest.mark.engine
def test_each_alert_from_now_on_is_told_once(settings: Settings) -> None:
    create_topics(settings)
    producer = make_producer(settings, "test")
    old, new = alert(story_id="told-before"), alert(story_id="told-now")
    update = new.model_copy(update={"kind": "update", "revision": new.revision + 1})

    def put(*alerts: Alert) -> None:
        for each in alerts:
            publish(producer, ALERTS, each.story_id, each).get(30)

    put(old)
    told: list[Alert] = []
    follower = AlertFollower(settings, told.append)
    follower.start()
    try:
        producer.send(ALERTS.name, value=b"not an alert").get(30)
        put(new, new, update, update)
        deadline = time.monotonic() + 60
        while len(told) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        assert [(each.story_id, each.kind) for each in told] == [("told-now", "new"), ("told-now", "update")]
    finally:
        follower.stop()
        producer.close()
    assert not follower.is_alive()


def test_a_line_cannot_command_the_terminal() -> None:
    line = alert_line(alert(title="One\x1b[2J\ntwo", languages=["ms", "ar"]))
    assert line.startswith("[ms ar]")
    assert "One [2J two" in line
    assert line.isprintable()
