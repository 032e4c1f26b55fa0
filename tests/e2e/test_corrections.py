"""An operator's merge and split, carried through to the index and the alerts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.articles import RawArticle
from schemas.codec import decode
from schemas.topics import ALERTS
from tests.e2e.conftest import Polywire, eventually

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TEXTS = {
    "correct-orchard": ("Apple harvest in the valley", "Growers speak of the best apple harvest in ten years."),
    "correct-observatory": ("New telescope sees first light", "Astronomers opened the dome of a new telescope."),
}


def article(key: str, title: str, text: str) -> RawArticle:
    return RawArticle(id=key, source="corrections.example", title=title, text=text, published=NOW, collected=NOW)


def run(polywire: Polywire, *arguments: str) -> Any:
    environment = {
        "POLYWIRE_KAFKA_BOOTSTRAP": polywire.settings.kafka_bootstrap,
        "POLYWIRE_ELASTICSEARCH_URL": polywire.settings.elasticsearch_url,
        "POLYWIRE_STATE_DIR": str(polywire.settings.state_dir),
    }
    command = [sys.executable, "-m", "polywire", "stories", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def stories_of(polywire: Polywire) -> dict[str, str] | None:
    found = polywire.article_documents(set(TEXTS))
    return {key: doc["story_id"] for key, doc in found.items()} if found.keys() == TEXTS.keys() else None


def test_merge_and_split_reach_the_index_and_alert_nobody_again(polywire: Polywire) -> None:
    polywire.subscribe("corrections", "title:apple OR title:telescope")
    polywire.put([article(key, *text) for key, text in TEXTS.items()])
    before = eventually("both articles", lambda: stories_of(polywire))
    apple, telescope = before["correct-orchard"], before["correct-observatory"]
    assert apple != telescope

    def told() -> list[Alert]:
        alerts = [decode(Alert, r.value) for r in polywire.read(ALERTS)]
        return [a for a in alerts if a.subscription_id == "corrections" and a.kind == "new"]

    eventually("an alert for each", lambda: len(told()) == 2)
    eventually("both stories in the index", lambda: {apple, telescope} <= polywire.documents("stories").keys())
    run(polywire, "merge", apple, telescope, "--reason", "a test")
    eventually("one story", lambda: set((stories_of(polywire) or {}).values()) == {apple})
    stories = eventually(
        "the stories themselves",
        lambda: (found := polywire.documents("stories")) and found[telescope].get("merged_into") == apple and found,
    )
    assert stories[apple]["article_count"] == 2

    run(polywire, "split", apple, "correct-observatory", "--reason", "a test")
    after = eventually(
        "two stories again",
        lambda: (found := stories_of(polywire)) and len(set(found.values())) == 2 and found,
    )
    assert after["correct-orchard"] == apple
    eventually(
        "each story counts its own",
        lambda: (
            (found := polywire.documents("stories"))[apple]["article_count"] == 1
            and found.get(after["correct-observatory"], {}).get("article_count") == 1
        ),
    )
    assert "1 newest articles" in run(polywire, "recall", apple), "it is known: nothing changes by it"
    time.sleep(3)
    assert (stories_of(polywire) or {}) == after
    assert len(told()) == 2, "a repair set off an alert"
