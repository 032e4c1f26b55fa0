"""Keeps what this release leaves behind, for its successors' tests: two files in tests/upgrade/DATE.

    .venv/bin/python -m tests.upgrade.keep tests/upgrade/2026-11-30

On the jvm engines, in a folder of its own. `whole`: everything handled, the stages ended in order. `midway`: the same,
then more articles, while the stages are killed from the last to the first, so that messages wait on every topic.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaProducer

from polywire.engines.jvm.folders import discard
from polywire.supervision.process import free_port
from runtime.settings import Settings
from schemas.alerts import Subscription
from schemas.codec import encode
from schemas.topics import RAW, SUBSCRIPTIONS
from tests.outside import Outside
from tests.upgrade import scenario
from tests.upgrade.kept import keep
from tests.upgrade.running import PORT, Running, up


def work(running: Running, outside: Outside) -> None:
    """A bit of everything that a polywire does."""
    query, watched = "arms_deal:true", "recipient:(PE OR VN OR KZ)"
    running.run("subscriptions", "add", query, "--id", "deals", "--webhook", outside.hook)
    running.run("subscriptions", "add", watched, "--id", "watched", "--webhook", outside.hook, "--updates")
    running.run("subscriptions", "add", query, "--id", "muted", "--webhook", outside.hook)
    running.run("subscriptions", "mute", "muted", "--for", "9999w")
    running.run("subscriptions", "add", query, "--id", "removed", "--webhook", outside.hook)
    running.run("subscriptions", "remove", "removed")
    unusable = Subscription(id="unusable", name="unusable", query="((", created=datetime.now(UTC))
    producer = KafkaProducer(bootstrap_servers=running.settings.kafka_bootstrap)
    producer.send(SUBSCRIPTIONS.name, key=b"unusable", value=encode(unusable)).get(60)
    producer.send(RAW.name, key=b"unreadable", value=b"\xff no JSON").get(60)
    producer.close()
    forgotten, pushed = scenario.forgotten(), scenario.pushed()
    running.push(forgotten)
    running.until("the oldest stories", lambda: running.stories(a.id for a in forgotten))
    outside.items = scenario.fed()
    running.push(pushed)
    ids = [a.id for a in (*pushed, *outside.items)]
    running.until("all articles", lambda: running.stories(ids))
    running.push([scenario.revised(), *pushed[:2]])
    running.settle()
    repair(running)
    running.settle()
    assert outside.keys, "nothing was delivered"


def repair(running: Running) -> None:
    """A merge, a split, a recall."""
    by_size = sorted(running.documents("stories").items(), key=lambda item: item[1]["article_count"])
    forgotten = set((running.stories(a.id for a in scenario.forgotten()) or {}).values())
    whole = [(story, doc) for story, doc in by_size if story not in forgotten]
    small, other, (large, document) = whole[0][0], whole[1][0], whole[-1]
    running.run("stories", "merge", other, small, "--reason", "kept with the release")
    last = document["story"]["articles"][-1]["id"]
    running.run("stories", "split", large, last, "--reason", "kept with the release")
    running.run("stories", "recall", large)
    running.until("the split", lambda: (running.stories([last]) or {}).get(last) not in (None, large))


def stop_in_the_middle(running: Running) -> None:
    """Each article gets as far as the next stage that has been killed."""
    articles = iter(scenario.in_the_middle())
    running.kill("notifier", "feeds")
    running.push([next(articles)])
    running.until("an alert that waits", lambda: running.waiting().get("polywire-notifier"))
    for stage in ("alerter", "indexer", "enrich", "cluster"):
        running.kill(stage)
        running.push([next(articles)])
        running.until(f"something for {stage}", lambda name=stage: running.waiting().get(f"polywire-{name}"))
    stories = [key for key, doc in running.documents("stories").items() if not doc.get("merged_into")]
    running.run("stories", "merge", *sorted(stories)[:2], "--reason", "kept in the middle")
    running.kill("analyze")
    running.push(articles)
    running.kill("web")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="polywire-keep-") as state:
        settings = Settings(engines="jvm", state_dir=Path(state), web_port=free_port())
        outside = Outside(PORT)
        try:
            with up(settings, outside) as running:
                work(running, outside)
                for process in running.supervisor.processes:
                    process.stop(30)
                keep(running.settings, folder / "whole.jsonl.xz")
                for process in running.supervisor.processes:
                    process.start()
                    running.until(f"{process.name} ready", lambda p=process: (p.health() or {}).get("ready"))
                stop_in_the_middle(running)
                keep(running.settings, folder / "midway.jsonl.xz")
        finally:
            outside.close()
            discard(settings.state_dir)


if __name__ == "__main__":
    main()
