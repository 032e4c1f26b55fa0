"""One of two workers is frozen for longer than its session, and wakes when the other has taken over.

Every article comes out once, none goes to the dead letters, and what the sleeper had decided has no effect.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime.settings import Settings
from schemas.articles import ClusteredArticle
from schemas.topics import ANALYZED, CLUSTERED, DEADLETTERS, ENRICHED, Topic
from streams.enrichment import enrich
from tests.apps.workers import Worker, analyzed, clustered, eventually, messages_of, put, working
from tests.bus import records_of

IN_TIME = {0, -signal.SIGALRM}
"""How a worker ends that is told to: in order, or, where Faust hangs, by its own deadline of 25 seconds."""

pytestmark = [pytest.mark.engine, pytest.mark.real_engines, pytest.mark.timeout(290)]


@pytest.fixture
def two(fresh_engine: Settings, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers with a short session, and ends them."""
    with ExitStack() as stack:
        yield lambda stage, *odd: stack.enter_context(working(fresh_engine, tmp_path, stage, "brief", *odd))


def counted(settings: Settings, topic: Topic, names: set[str]) -> Counter[str]:
    return Counter(one.id for one in messages_of(settings, topic) if one.id in names)


def test_of_two_cluster_workers(fresh_engine: Settings, two: Callable[..., Worker]) -> None:
    names = {f"cluster-{number:04d}" for number in range(60)}
    put(fresh_engine, ANALYZED, analyzed(*sorted(names)), lambda one: one.id)
    _of_two("cluster", CLUSTERED, names, "cluster-0030", fresh_engine, two)


def test_of_two_enrich_workers(fresh_engine: Settings, two: Callable[..., Worker]) -> None:
    names = {f"enrich-{number:04d}" for number in range(60)}
    put(fresh_engine, CLUSTERED, clustered(*sorted(names)), lambda one: one.story_id)
    _of_two("enrich", ENRICHED, names, "enrich-0030", fresh_engine, two)


def _of_two(
    stage: str, told: Topic, names: set[str], sleeper: str, settings: Settings, two: Callable[..., Worker]
) -> None:
    workers = two(stage, f"asleep={sleeper}"), two(stage, f"asleep={sleeper}")
    (frozen,) = eventually("one to sleep", lambda: [worker for worker in workers if worker.frozen()], *workers)
    eventually("all, by the other", lambda: counted(settings, told, names).keys() == names, *workers)
    frozen.signal(signal.SIGCONT)
    eventually("the sleeper to see it", lambda: "taken over" in frozen.log.read_text(), *workers)
    assert {worker.end() for worker in workers} <= IN_TIME
    assert counted(settings, told, names)[sleeper] == 1, "what the sleeper had decided has no effect"
    # What it had told and not yet committed, the other has told again: the same.
    assert len({(one.id, one.story_id) for one in messages_of(settings, told) if one.id in names}) == len(names)
    assert records_of(settings, DEADLETTERS) == []


def test_what_slips_through_loses_downstream(fresh_engine: Settings, two: Callable[..., Worker]) -> None:
    """Frozen exactly between the last look and the changelog: its decision is out, and the later generation's wins."""
    names = ["slips-0001", "slips-0002", "slips-0003"]
    articles = analyzed(*names)
    put(fresh_engine, ANALYZED, articles, lambda one: one.id)
    first = two("cluster", "asleep_at_the_last_moment=slips-0002")
    eventually("the first to sleep", first.frozen, first)
    second = two("cluster")
    eventually("all", lambda: counted(fresh_engine, CLUSTERED, set(names)).keys() == set(names), first, second)
    first.signal(signal.SIGCONT)
    eventually("both decisions", lambda: counted(fresh_engine, CLUSTERED, {names[1]})[names[1]] == 2, first, second)
    assert {first.end(), second.end()} <= IN_TIME
    right, ghost = _told(fresh_engine, names[1])
    assert ghost.version == right.version
    assert ghost.generation < right.generation
    kept = enrich(enrich(None, right).state, ghost)
    assert kept.state.facts[right.id].version == right.rank, "the later one is kept, whichever comes first"
    # The ghost's is the last in the changelog, and yet not what a worker that starts anew knows.
    third = two("cluster")
    put(fresh_engine, ANALYZED, articles[1:2], lambda one: one.id)
    eventually("the answer", lambda: len(_told(fresh_engine, names[1])) == 3, third)
    assert third.end() in IN_TIME
    assert _told(fresh_engine, names[1])[-1].generation == right.generation


def _told(settings: Settings, name: str) -> list[ClusteredArticle]:
    return [one for one in messages_of(settings, CLUSTERED) if one.id == name]
