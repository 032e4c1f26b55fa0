"""Whether anything is lost or told twice while stages are killed again and again.

    .venv/bin/python bench/kill_stages.py [--articles 500] [--pause 3]

Starts `polywire up` in a folder of its own, pushes invented articles one by one, and meanwhile kills the stages in turn
with -9. Every article answered with 202 must be in the index in the end, and a subscription that all of them match must
have one new alert for each story they came in. Exit status 1 where that is not so; it says what is missing. On embedded
engines; on the real ones with POLYWIRE_ENGINES=jvm.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil

from polywire.runtime.settings import Settings
from schemas.topics import ALERTS, ENRICHED

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.bus import records_of, whereabouts

STAGES = ("stream cluster", "stream enrich", "stream analyze", "stream enrich", "consume indexer", "consume alerter")
STATES = ("Chile", "Kenya", "Poland", "Egypt", "Nepal", "Serbia", "Mexico", "Angola", "Oman", "Latvia", "Ghana")
THINGS = ("howitzers", "patrol boats", "helicopters", "drones", "armoured vehicles", "air defence missiles", "radars")
SETTLE = 180.0
"""Seconds that the pipeline may take to work off what is left."""


def push(web: str, count: int, pause: float, accepted: list[str]) -> None:
    """Send the articles; each is tried until it is accepted."""
    pairs = itertools.cycle(itertools.product(itertools.permutations(STATES, 2), THINGS))
    for number, ((buyer, seller), thing) in zip(range(count), pairs, strict=False):
        article = {
            "url": f"https://bench.example/{number}",
            "title": f"{buyer} buys {number + 7} {thing} from {seller}",
            "text": f"{seller} will deliver {number + 7} {thing} to {buyer}, a spokesman said in report {number}.",
            "source": "bench",
        }
        while True:
            try:
                answer = httpx.post(f"{web}/articles", json=article, timeout=20)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                accepted += answer.json()["ids"]
                break
            time.sleep(0.3)
        time.sleep(pause)


def indexed(state: Path) -> set[str]:
    """Ids of all articles in the index."""
    settings = json.loads((state / "run.json").read_text())["settings"]
    address = f"{settings['elasticsearch_url']}/{settings['index_prefix']}-articles/_search"
    found = httpx.post(address, json={"size": 10_000, "_source": False}, timeout=30).json()
    return {hit["_id"] for hit in found["hits"]["hits"]}


def run_settings(state: Path) -> Settings:
    """To reach the engines of the run."""
    run = json.loads((state / "run.json").read_text())["settings"]
    return Settings(engines="external", kafka_bootstrap=run["kafka_bootstrap"])


def alerts(settings: Settings, ids: set[str]) -> tuple[int, int, int]:
    """How many stories had a new alert, how many more than one, and how many articles were in none of these stories.

    Waits for the last alerts until they have come, for as long as for the articles.
    """
    deadline = time.monotonic() + SETTLE
    while True:
        new = [fields for r in records_of(settings, ALERTS) if (fields := json.loads(r.value))["kind"] == "new"]
        told = Counter(fields["story_id"] for fields in new)
        stories: dict[str, set[str]] = {key: set() for key in ids}
        for record in records_of(settings, ENRICHED):
            fields = json.loads(record.value)
            if fields["id"] in ids:
                stories[fields["id"]].add(fields["story_id"])
        silent = sum(told.keys().isdisjoint(each) for each in stories.values())
        if not silent or time.monotonic() > deadline:
            return len(told), sum(count > 1 for count in told.values()), silent
        time.sleep(2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=500)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="polywire-kill-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        state, web = Path(folder), f"http://127.0.0.1:{port}"
        environment = {**os.environ, "POLYWIRE_STATE_DIR": folder, "POLYWIRE_WEB_PORT": str(port)}
        with (state / "up.log").open("w") as log:
            up = subprocess.Popen([sys.executable, "-m", "polywire", "up"], env=environment, stdout=log, stderr=log)
        try:
            wait_for(web)
            subscribe = [sys.executable, "-m", "polywire", "subscriptions", "add", "title:buys", "--name", "all"]
            subprocess.run(subscribe, env=environment, check=True, stdout=subprocess.DEVNULL)
            return trial(up, state, web, options.articles, options.pause)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def wait_for(web: str) -> None:
    """Until the page answers."""
    for _ in range(300):
        try:
            httpx.get(f"{web}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.3)
    raise SystemExit("polywire did not come up within 90 s")


def trial(up: subprocess.Popen[bytes], state: Path, web: str, articles: int, pause: float) -> int:
    """Push, kill, wait, compare."""
    accepted: list[str] = []
    pusher = threading.Thread(target=push, args=(web, articles, 0.08, accepted), daemon=True)
    pusher.start()
    kills = 0
    for stage in itertools.cycle(STAGES):
        time.sleep(pause)
        if not pusher.is_alive():
            break
        for process in psutil.Process(up.pid).children():
            if stage in " ".join(process.cmdline()):
                process.kill()
                kills += 1
    deadline = time.monotonic() + SETTLE
    while (missing := set(accepted) - indexed(state)) and time.monotonic() < deadline:
        time.sleep(2)
    if missing:  # waiting before a stage that stands still, or gone?
        print(whereabouts(run_settings(state), missing))
        environment = {**os.environ, "POLYWIRE_STATE_DIR": str(state)}
        subprocess.run([sys.executable, "-m", "polywire", "status"], env=environment, check=False)
    told, doubled, silent = alerts(run_settings(state), set(accepted))
    logs = "".join(log.read_text(errors="replace") for log in (state / "logs").glob("*.log"))
    holes, asked = logs.count("left_out"), logs.count("asking again")
    print(f"{len(accepted)} articles accepted, {kills} kills, {len(missing)} not in the index: {sorted(missing)}")
    print(f"{told} stories told, {doubled} of them twice; of {silent} articles nobody was told")
    print(f"{holes} holes of a stream fetched from the topic, {asked} of a consumer asked for again")
    return 1 if missing or doubled or silent else 0


if __name__ == "__main__":
    sys.exit(main())
