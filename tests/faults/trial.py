"""One trial: articles go in while faults come and go, then what came out is compared."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from elasticsearch import ApiError, TransportError
from kafka.errors import KafkaError

from runtime.bus.clients import group_lag, make_producer, publish
from runtime.bus.groups import GROUPS
from runtime.elastic import make_client
from runtime.settings import Settings
from schemas.alerts import Channel, Subscription
from schemas.articles import RawArticle
from schemas.topics import ALERTS, ANALYZED, CORRECTIONS, DEADLETTERS, SUBSCRIPTIONS
from streams.pipeline import Pipeline
from tests.bus import records_of, whereabouts
from tests.faults.compare import Left, Undisturbed, differences
from tests.faults.input import WATCHED_WORD, articles
from tests.faults.plan import Fault, plan
from tests.faults.world import World

SUBSCRIPTION = "trial"
_BEFORE_UP = 240.0
_FED = 10
"""One in so many articles comes by the feed, the others are pushed."""
_AT_ONCE = 4
"""Articles of one push."""


@dataclass(frozen=True)
class Trial:
    """`seconds`: for how long articles go in and faults come. `pause`: between two faults, about. `patience`: seconds
    for catching up afterwards.
    """

    articles: int
    seed: int
    seconds: float
    pause: float
    patience: float

    def run(self, say: Callable[[str], None]) -> list[str]:
        """What is not as it should be, in sentences; nothing where all is right."""
        faults = plan(self.seed, self.seconds, self.pause)
        say(f"seed {self.seed}: {self.articles} articles over {self.seconds:.0f} s, {len(faults)} faults")
        every = articles(self.articles, self.seed)
        with tempfile.TemporaryDirectory(prefix="polywire-faults-") as folder, World(Path(folder)) as world:
            _wait_until_up(world)
            _subscribe(world)
            mended = self._disturb(world, every, faults, say)
            missing = self._catch_up(world, {a.id for a in every}, mended, say)
            found = differences(undisturbed(every, world.settings), what_is_left(world))
            if found:
                found += [f"seed {self.seed}", *map(str, faults), *logs(world)]
            if missing:
                found.append(whereabouts(world.settings, missing))
        return found

    def _disturb(self, world: World, every: list[RawArticle], faults: list[Fault], say: Callable[[str], None]) -> float:
        """Returns when the last fault was over."""
        fed = every[::_FED]
        pushed = [article for number, article in enumerate(every) if number % _FED]
        pusher = threading.Thread(target=_push, args=(world, pushed, self.seconds), daemon=True)
        pusher.start()
        began = mended = time.monotonic()
        events = [(fault.at, fault.what, fault.whom, world.begin) for fault in faults]
        # Over: mended, as far as it does not mend itself.
        events += [(fault.at + fault.lasts, fault.what, fault.whom, world.end) for fault in faults]
        events.sort(key=lambda event: event[0])
        while events or pusher.is_alive():
            now = time.monotonic() - began
            while events and events[0][0] <= now:
                _, what, whom, act = events.pop(0)
                say(f"{now:6.1f} s  {'' if act == world.begin else 'over: '}{what} {whom}")
                act(what, whom)
                mended = time.monotonic()
            world.outside.items = fed[: 1 + int(len(fed) * now / self.seconds)]
            world.look()
            if now > self.seconds + self.patience:
                world.notes.append("not every article was accepted")
                break
            time.sleep(0.1)
        world.outside.items = fed
        world.heal()
        return mended

    def _catch_up(self, world: World, ids: set[str], mended: float, say: Callable[[str], None]) -> set[str]:
        """Wait until all is done; returns what is missing when the patience is over."""
        while True:
            world.look()
            missing, waiting = ids, "no answer"
            with suppress(ApiError, TransportError, KafkaError):
                missing = ids - documents(world, "articles").keys()
                lag = group_lag(world.settings, {**GROUPS, "polywire-cluster": (ANALYZED, CORRECTIONS)})
                pending = [d for d in documents(world, "deliveries").values() if d["state"] == "pending"]
                counts = {group: sum(topics.values()) for group, topics in lag.items() if sum(topics.values())}
                if not missing and not counts and not pending:
                    say(f"all is done {time.monotonic() - mended:.0f} s after the last fault")
                    return set()
                waiting = f"{counts}, {len(pending)} deliveries pending"
            if time.monotonic() - mended > self.patience:
                world.notes.append(
                    f"not done {self.patience:.0f} s after the last fault: {len(missing)} not in the index, {waiting}"
                )
                return missing
            time.sleep(1)


def undisturbed(every: list[RawArticle], settings: Settings) -> Undisturbed:
    """The stages in a row, without a bus and without faults."""
    pipeline = Pipeline.load(settings.cache_dir)
    story = {article.id: pipeline.process(article).story_id for article in every}
    story.update(pipeline.settle())
    return Undisturbed(story, frozenset(a.id for a in every if a.title.endswith(WATCHED_WORD)))


def documents(world: World, kind: str) -> dict[str, dict[str, object]]:
    """All documents of an index, by id."""
    index = f"{world.settings.index_prefix}-{kind}"
    with make_client(world.settings) as es:
        es.indices.refresh(index=index)
        found = es.search(index=index, size=10_000, query={"match_all": {}}, source_excludes=["embedding", "*_grams"])
    return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


def what_is_left(world: World) -> Left:
    """Asked of Kafka, Elasticsearch and the receiver."""
    alerts = [json.loads(record.value) for record in records_of(world.settings, ALERTS)]
    new = [alert for alert in alerts if alert["kind"] == "new"]
    dead = [
        {key: value.decode("utf-8", "replace") for key, value in record.headers}
        for record in records_of(world.settings, DEADLETTERS)
    ]
    return Left(
        articles=documents(world, "articles"),
        stories=documents(world, "stories"),
        dead=[f"{each.get('stage')} {each.get('topic')}: {each.get('reason')}" for each in dead],
        # The same message again, after a kill, is one telling to all who read it; of another article, a second.
        told=Counter(each[:2] for each in {(a["subscription_id"], a["story_id"], a["article_id"]) for a in new}),
        keys=Counter(world.outside.keys),
        alert_stories={alert["id"]: alert["story_id"] for alert in new},
        notes=world.notes,
    )


def logs(world: World) -> list[str]:
    """The last warnings and errors of each stage."""
    found = []
    for log in sorted((world.state / "logs").glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        bad = [line for line in lines if '"level": "error"' in line or '"level": "warning"' in line or "Error" in line]
        found += [f"{log.name}: {line[:400]}" for line in bad[-6:]]
    return found


def _wait_until_up(world: World) -> None:
    deadline = time.monotonic() + _BEFORE_UP
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{world.settings.web_port}/healthz", timeout=5).status_code < 500:
                return
        time.sleep(0.3)
    raise AssertionError(f"polywire did not come up:\n{(world.folder / 'up.log').read_text()}")


def _subscribe(world: World) -> None:
    subscription = Subscription(
        id=SUBSCRIPTION,
        name=SUBSCRIPTION,
        query=f"title:{WATCHED_WORD}",
        channels=[Channel(kind="webhook", url=world.outside.hook)],
        created=datetime.now(UTC),
    )
    producer = make_producer(world.settings, "trial")
    publish(producer, SUBSCRIPTIONS, SUBSCRIPTION, subscription).get(60)
    producer.close(timeout=10)


def _push(world: World, pushed: list[RawArticle], seconds: float) -> None:
    """By POST /articles, spread over the time; each push again until it is accepted."""
    began = time.monotonic()
    for first in range(0, len(pushed), _AT_ONCE):
        batch = [
            a.model_dump(mode="json", include={"url", "source", "title", "text", "published"})
            for a in pushed[first : first + _AT_ONCE]
        ]
        time.sleep(max(0.0, began + seconds * first / len(pushed) - time.monotonic()))
        while not _accepted(world, batch):
            time.sleep(0.5)


def _accepted(world: World, batch: list[dict[str, object]]) -> bool:
    world.sending = True
    try:
        answer = httpx.post(f"http://127.0.0.1:{world.settings.web_port}/articles", json=batch, timeout=20)
    except httpx.HTTPError:
        return False
    finally:
        world.sending = False
    return answer.status_code == 202
