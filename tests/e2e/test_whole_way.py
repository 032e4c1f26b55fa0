"""Seeds in, stories and one alert out, through every stage and the real protocols."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from schemas.alerts import Alert
from schemas.articles import RawArticle
from schemas.codec import decode
from schemas.topics import ALERTS, ENRICHED
from tests.bus import whereabouts
from tests.e2e.conftest import ROOT, Polywire, eventually

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

DOCUMENTS = [json.loads(line) for line in (ROOT / "seeds" / "documents.jsonl").read_text("utf-8").splitlines()]
SAMPLE = [json.loads(line) for line in (ROOT / "seeds" / "sample.jsonl").read_text("utf-8").splitlines()]
MALAY, ARABIC, ENGLISH = (d["id"] for d in DOCUMENTS)


def new_alerts(polywire: Polywire) -> list[Alert]:
    return [a for r in polywire.read(ALERTS) if (a := decode(Alert, r.value)).kind == "new"]


def test_seeds_to_one_alert(polywire: Polywire) -> None:
    polywire.subscribe("deals", "arms_deal:true")
    command = [sys.executable, "-m", "polywire", "produce", "files"]
    for name in ("documents.jsonl", "sample.jsonl"):
        subprocess.run(
            [*command, str(ROOT / "seeds" / name)], check=True, timeout=120, env={**os.environ, **addresses(polywire)}
        )
    ids = {d["id"] for d in DOCUMENTS + SAMPLE}
    found = eventually("every seed in the index", lambda: all_there(polywire, ids))
    assert found[MALAY]["story_id"] == found[ARABIC]["story_id"]
    assert found[ENGLISH]["story_id"] != found[MALAY]["story_id"]
    assert (found[MALAY]["language"], found[ARABIC]["language"], found[ENGLISH]["language"]) == ("ms", "ar", "en")
    story = found[MALAY]["story_id"]

    def both_languages() -> dict[str, Any] | None:
        alerts = [a for a in polywire.documents("alerts").values() if a["story_id"] == story]
        return next((a for a in alerts if {"ms", "ar"} <= set(a["language"])), None)

    eventually("the alert names both languages", both_languages)
    fired = Counter((a.subscription_id, a.story_id) for a in new_alerts(polywire))
    assert fired[("deals", story)] == 1
    assert max(fired.values()) == 1, "an alert came twice for one story"


def test_same_ids_in_both_variants(polywire: Polywire) -> None:
    found = eventually("seeds", lambda: all_there(polywire, {MALAY, ARABIC}))
    names = {key: set(doc["entity_name"]) for key, doc in found.items()}
    assert {"Kazakhstan", "Ukraine", "Russia", "Israel", "South Africa", "NATO"} <= names[MALAY] & names[ARABIC]


def test_pushed_articles_are_found_by_others_clients(polywire: Polywire) -> None:
    body = [
        {
            "title": "Zerlania buys 12 patrol boats",
            "text": "Zerlania signed for patrol boats.",
            "url": "https://p.example/1",
        },
        {"title": "", "text": ""},
        {"title": "Quiet day in Zerlania", "text": "Nothing happened.", "url": "https://p.example/2"},
    ]
    answer = httpx.post(f"{polywire.web}/articles", json=body, timeout=30)
    assert answer.status_code == 207, answer.text
    ok = httpx.post(f"{polywire.web}/articles", json=body[0], timeout=30)
    assert ok.status_code == 202
    bad = httpx.post(f"{polywire.web}/articles", json=body[1], timeout=30)
    assert bad.status_code == 422
    assert "title or a text" in bad.text

    def searched() -> bool:
        polywire.es.indices.refresh(index=f"{polywire.settings.index_prefix}-articles")
        query = {"query_string": {"query": "Zerlania", "default_field": "title"}}
        hits = polywire.es.search(index=f"{polywire.settings.index_prefix}-articles", query=query)["hits"]["hits"]
        return len(hits) == 2

    eventually("both good articles", searched)


def test_a_kill_in_the_middle_loses_and_doubles_nothing(polywire: Polywire) -> None:
    """Every stage is killed with -9 while articles stream in; each comes back and nothing is lost or told twice."""
    polywire.subscribe("kills", "title:frigates")
    start = datetime(2026, 5, 1, tzinfo=UTC)
    articles = [numbered(i, start) for i in range(240)]
    victims = ["analyze", "cluster", "enrich", "indexer", "alerter"]
    for index, article in enumerate(articles):
        polywire.put([article])
        time.sleep(0.02)
        if index % 40 == 20 and victims:
            pid = polywire.process(victims[0]).pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            victims.pop(0)
    ids = {a.id for a in articles}
    found = eventually("every article in the index", lambda: all_there(polywire, ids), 120, lambda: lost(polywire, ids))
    said: dict[str, list[dict[str, Any]]] = {}

    def elsewhere() -> dict[str, Any]:
        """Articles that the index does not have in the newest of their stories: what it has, and all that was said.

        Both are asked anew: the clusterer may move an article long after it came.
        """
        said.clear()
        for record in polywire.read(ENRICHED):
            fields = json.loads(record.value)
            if fields["id"] in ids:
                said.setdefault(fields["id"], []).append(fields)
        documents = polywire.article_documents(ids)
        return {
            id_: ((documents[id_]["version"], documents[id_]["story_id"]), [_decision(one) for one in all_said])
            for id_, all_said in said.items()
            if documents[id_]["story_id"] != max(all_said, key=_rank)["story_id"]
        }

    eventually("the index holds the newest story of each", lambda: not elsewhere(), explain=lambda: str(elsewhere()))
    assert said.keys() == ids
    # An article may move to another story by a correction, never by a replay.
    decided = {i: {one["story_id"] for one in all_said if one["moved_from"] is None} for i, all_said in said.items()}
    assert {i: s for i, s in decided.items() if len(s) > 1} == {}, "a replay changed an article's story"
    ever = {i: {one["story_id"] for one in all_said} for i, all_said in said.items()}
    # Under the story it came in, or the one it was moved to.
    frigates = [ever[i] for i in ids if "frigates" in found[i]["title"]]

    def all_told() -> bool:
        told = {a.story_id for a in new_alerts(polywire) if a.subscription_id == "kills"}
        return all(stories & told for stories in frigates)

    eventually("an alert for each story", all_told)
    fired = Counter(a.story_id for a in new_alerts(polywire) if a.subscription_id == "kills")
    doubled = {story: n for story, n in fired.items() if n > 1}
    distinct = {a.id for a in new_alerts(polywire) if a.subscription_id == "kills"}
    assert len(distinct) == len(fired)
    assert not doubled, "an alert was published as new twice"


def _rank(enriched: dict[str, Any]) -> int:
    return int(enriched["version"]) + int(enriched["generation"])


def _decision(enriched: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(enriched[name] for name in ("version", "generation", "story_id", "moved_from"))


def numbered(number: int, start: datetime) -> RawArticle:
    topics = ("frigates", "wheat", "satellites", "railways", "vaccines", "glaciers", "tractors", "orchestras")
    topic = topics[number % len(topics)]
    when = start + timedelta(hours=7 * number)
    return RawArticle(
        id=f"numbered-{number:08d}",
        source="numbers.example",
        title=f"Report {number} on {topic} number {number * 7919 % 10007}",
        text=f"This is report {number}. It speaks of {topic} and of item {number * 104729 % 100003} in particular.",
        published=when,
        collected=when,
    )


def addresses(polywire: Polywire) -> dict[str, str]:
    return {
        "POLYWIRE_KAFKA_BOOTSTRAP": polywire.settings.kafka_bootstrap,
        "POLYWIRE_ELASTICSEARCH_URL": polywire.settings.elasticsearch_url,
        "POLYWIRE_STATE_DIR": str(polywire.settings.state_dir),
    }


def lost(polywire: Polywire, ids: set[str]) -> str:
    """Where the articles are that are not in the index."""
    missing = ids - polywire.article_documents(ids).keys()
    return f"missing: {sorted(missing)}\n{whereabouts(polywire.settings, missing)}"


def all_there(polywire: Polywire, ids: set[str]) -> dict[str, dict[str, Any]] | None:
    found = polywire.article_documents(ids)
    return found if found.keys() == ids else None
