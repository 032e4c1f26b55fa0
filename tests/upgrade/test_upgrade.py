"""This release goes on from what each release before it has left behind (tests/upgrade/DATE, made by keep.py)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from polywire.engines import make_engine
from polywire.engines.jvm.folders import discard
from polywire.supervision.process import free_port
from runtime.settings import Settings
from schemas.topics import ALERTS, DEADLETTERS, RAW
from tests.bus import records_of
from tests.outside import Outside
from tests.upgrade import scenario
from tests.upgrade.kept import Line, documents_of, load, restore, values_of
from tests.upgrade.running import PORT, Running, up

RELEASES = sorted(path.name for path in Path(__file__).parent.glob("20*"))
pytestmark = [pytest.mark.engine, pytest.mark.timeout(600), pytest.mark.parametrize("release", RELEASES)]


@dataclass
class Successor:
    """This release, up over what another has left."""

    running: Running
    outside: Outside
    lines: list[Line]

    def kept(self, index: str) -> dict[str, Any]:
        return documents_of(self.lines, index)

    def check_told(self) -> None:
        """Nothing told again, nor delivered again, and nothing buried."""
        records = records_of(self.running.settings, ALERTS)
        alerts = [json.loads(record.value) for record in records]
        told = Counter((a["subscription_id"], a["story_id"]) for a in alerts if a["kind"] == "new")
        assert {pair: n for pair, n in told.items() if n > 1} == {}, "a story was told twice"
        assert not {subscription for subscription, _ in told} - {"deals", "watched"}
        assert told.keys() >= {(a["subscription_id"], a["story_id"]) for a in values_of(self.lines, ALERTS.name)}
        before = {f"{d['alert_id']}:{d['revision']}" for d in self.kept("deliveries").values() if _arrived(d)}
        keys = Counter(self.outside.keys)
        assert {key: n for key, n in keys.items() if n > 1 or key in before} == {}, "an alert was delivered twice"
        dead = [dict(record.headers) for record in records_of(self.running.settings, DEADLETTERS)]
        kept = [line for line in self.lines if line["what"] == "record" and line["topic"] == DEADLETTERS.name]
        assert len(dead) == len(kept), f"new dead letters: {dead}"


def _arrived(delivery: dict[str, Any]) -> bool:
    return delivery["state"] == "delivered" and delivery["channel"] == "webhook"


@contextmanager
def successor(engines: str, folder: Path, release: str, variant: str) -> Iterator[Successor]:
    lines = load(Path(__file__).parent / release / f"{variant}.jsonl.xz")
    engine = make_engine(engines, Settings(engines=engines, state_dir=folder / "engine"))
    outside = Outside(PORT)
    outside.items = scenario.fed()
    try:
        addresses = engine.start()
        settings = Settings(
            engines="external",
            state_dir=folder / "state",
            kafka_bootstrap=addresses.kafka_bootstrap,
            elasticsearch_url=addresses.elasticsearch_url,
            index_prefix="polywire",
            web_port=free_port(),
        )
        restore(settings, lines)
        with up(settings, outside) as running:
            yield Successor(running, outside, lines)
    finally:
        outside.close()
        engine.stop()
        if engines == "jvm":
            discard(folder / "engine")


@pytest.fixture
def engines(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--engines"))


def test_old_stories_grow_are_repaired_and_are_not_told_again(engines: str, release: str, tmp_path: Path) -> None:
    with successor(engines, tmp_path, release, "whole") as new:
        running, before = new.running, {key: doc["story_id"] for key, doc in new.kept("articles").items()}
        late, (again, of_forgotten) = scenario.late(), scenario.forgotten_again()
        known = scenario.pushed()[:2]
        new.outside.items.append(scenario.fed_later())
        running.push([*(article for article, _ in late), *known])
        running.run("stories", "recall", before[of_forgotten])
        running.until("the recall", lambda: not running.waiting().get("polywire-cluster"))
        running.push([again])
        fed = {scenario.fed_later().id: before[scenario.fed()[0].id]}
        expected = {article.id: before[first] for article, first in [*late, (again, of_forgotten)]} | fed
        assert running.until("the new articles", lambda: running.stories(expected)) == expected

        stays, goes = (before[scenario.late()[n][1]] for n in (0, 1))
        running.run("stories", "merge", stays, goes, "--reason", "a correction of old stories")
        moved = {key: stays if story == goes else story for key, story in (before | expected).items()}
        running.until(
            "the old articles where they were, or where they are moved", lambda: running.stories(moved) == moved
        )
        running.settle()
        new.check_told()
        sent = len(late) + len(known) + 1 + len(fed)
        kept = [line for line in new.lines if line["what"] == "record" and line["topic"] == RAW.name]
        assert len(records_of(running.settings, RAW)) == len(kept) + sent, "the feed sent what it had sent before"
        assert "muted until" in running.run("subscriptions", "list")
        assert len(json.loads(running.run("deadletters", "list", "--json"))) == 2


def test_what_waited_on_any_topic_comes_through_once(engines: str, release: str, tmp_path: Path) -> None:
    with successor(engines, tmp_path, release, "midway") as new:
        running = new.running
        before = {key: doc["story_id"] for key, doc in new.kept("articles").items()}
        waited = {article.id for article in scenario.in_the_middle()}
        assert waited - before.keys(), "nothing waited: the test says nothing"
        found = running.until("what waited", lambda: running.stories(waited | before.keys()))
        running.settle()
        merge = values_of(new.lines, "stories.corrections")[-1]
        stays, goes = merge["story_id"], merge["other_story_id"]
        assert running.documents("stories")[goes]["merged_into"] == stays
        found = running.stories(waited | before.keys()) or {}
        assert {key: found[key] for key in before} == {
            key: stays if story == goes else story for key, story in before.items()
        }
        new.check_told()
        told = {doc["story_id"] for doc in running.documents("alerts").values() if doc["subscription_id"] == "deals"}
        deals = {key for key, doc in running.documents("articles").items() if key in waited and doc["arms_deal"]}
        assert deals
        assert {key: found[key] for key in deals if found[key] not in told} == {}, "nobody was told"
