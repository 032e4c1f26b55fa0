"""Killed between two records of one decision, correction or recall: what was stored of it, and the same once more,
come to the whole of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from schemas.articles import AnalyzedArticle, ClusteredArticle
from schemas.stories import StoryCorrection
from streams.pipeline import clustered
from streams.stories import Assignment, ClusterConfig, Clusterer, clusterer, repair

from .conftest import START, article

CONFIG = ClusterConfig(window_hours=60, replay_articles=5, story_members=6)
Table = dict[str, dict[str, Any]]
Step = Callable[[Clusterer], list[Assignment]]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["article", "article", "article", "merge", "split", "recall"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.booleans(),
    ),
    min_size=5,
    max_size=30,
)


def stream() -> list[AnalyzedArticle]:
    """Thirty articles of five events, mixed, eight hours apart."""
    generator = np.random.default_rng(11)
    centres = generator.normal(size=(5, 384))
    return [
        article(f"article-{n:04d}", centres[n % 5] + 0.3 * generator.normal(size=384), hours=8.0 * n) for n in range(30)
    ]


ARTICLES = stream()


@pytest.fixture(autouse=True, scope="module")
def forgetful() -> Any:
    """Silence is looked for often, so that stories are forgotten within few articles."""
    patch = pytest.MonkeyPatch()
    patch.setattr(clusterer, "_FORGET_EVERY", 4)
    yield
    patch.undo()


class World:
    """A clusterer and what is stored of it; what happens is taken from the clusterer that nothing disturbs."""

    def __init__(self) -> None:
        self.clusterer = Clusterer(CONFIG)
        self.table: Table = {}

    def writes(self, step: Step) -> list[tuple[str, dict[str, Any] | None]]:
        """What the stage stores for a step, in its order."""
        found: list[tuple[str, dict[str, Any] | None]] = []
        for answer in step(self.clusterer):
            found.append((answer.article_id, json.loads(json.dumps(answer.record))))
            found += [(forgotten, None) for forgotten in answer.forgotten]
        return found

    def store(self, writes: list[tuple[str, dict[str, Any] | None]]) -> None:
        for key, value in writes:
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value

    def restart(self) -> None:
        items = [(key, json.loads(json.dumps(value))) for key, value in self.table.items()]
        random.Random(3).shuffle(items)
        self.clusterer = Clusterer(CONFIG)
        self.clusterer.restore(items)


def step_of(
    world: World, kind: str, one: int, two: int, by_operator: bool, number: int, told: dict[str, ClusteredArticle]
) -> Step | None:
    """What happens next; None where it cannot."""
    stories = sorted({story for a in ARTICLES if (story := world.clusterer.story_of(a.id)) is not None})
    if kind == "article":
        chosen = ARTICLES[one % len(ARTICLES)]

        def decide(clusterer: Clusterer) -> list[Assignment]:
            answer = clusterer.assign(chosen)
            told[chosen.id] = clustered(chosen, answer)
            return [answer]

        return decide
    if kind == "recall":
        gone = [told[key] for key in sorted(told) if world.clusterer.story_of(key) is None]
        return (lambda clusterer: clusterer.recall(gone[: 1 + one % 4])) if gone else None
    if not stories:
        return None
    story, other = stories[one % len(stories)], stories[two % len(stories)]
    members = [a.id for a in ARTICLES if world.clusterer.story_of(a.id) == story]
    if kind == "split":
        other, leaving = f"s-split-{number}", members[two % 3 :]
    else:
        leaving = []
        if story == other:
            return None
    correction = StoryCorrection(
        id=f"c-{number}",
        kind="merge" if kind == "merge" else "split",
        story_id=story,
        other_story_id=other,
        article_ids=leaving,
        by="operator:ada" if by_operator else repair.BY,
        reason="seen",
        at=START,
    )
    return lambda clusterer: clusterer.correct(correction)


def same(one: World, other: World) -> None:
    assert {a.id: one.clusterer.story_of(a.id) for a in ARTICLES} == {
        a.id: other.clusterer.story_of(a.id) for a in ARTICLES
    }
    assert {i: r.dump() for i, r in one.clusterer._records.items()} == {
        i: r.dump() for i, r in other.clusterer._records.items()
    }


@examples(max_examples=80)
@given(STEPS, st.data())
def test_any_prefix_of_what_is_stored_and_the_same_again_come_to_the_whole(
    steps: list[tuple[str, int, int, bool]], data: st.DataObject
) -> None:
    undisturbed, killed = World(), World()
    told: dict[str, ClusteredArticle] = {}
    for number, chosen in enumerate(steps):
        step = step_of(undisturbed, *chosen, number, told)
        if step is None:
            continue
        undisturbed.store(undisturbed.writes(step))
        writes = killed.writes(step)
        killed.store(writes[: data.draw(st.integers(0, len(writes)), label="stored")])
        killed.restart()
        killed.store(killed.writes(step))
        same(killed, undisturbed)
        assert killed.table.keys() == undisturbed.table.keys()


@examples(max_examples=40)
@given(st.integers(1, 7), st.integers(0, 29), st.booleans(), st.sampled_from(["merge", "split"]))
def test_articles_that_come_before_the_correction_is_repeated_change_nothing_of_it(
    stored: int, newcomer: int, by_operator: bool, kind: str
) -> None:
    world = World()
    for one in ARTICLES[:15]:
        world.store(world.writes(lambda c, one=one: [c.assign(one)]))  # type: ignore[misc]
    step = step_of(world, kind, 0, 1, by_operator, 1, {})
    assert step is not None
    writes = world.writes(step)
    concerned = {key: world.clusterer.story_of(key) for key, _ in writes}
    moved = {key for key, value in writes if value and value.get("k", [""])[0] == "c-1"}
    world.store(writes[: min(stored, len(writes) - 1)] or writes[:1])
    world.restart()
    world.store(world.writes(lambda c: [c.assign(ARTICLES[newcomer])]))
    world.restart()
    again = step(world.clusterer)
    assert {a.article_id for a in again if a.moved_from} == {key for key in moved if world.clusterer.story_of(key)}
    for article_id, story in concerned.items():
        assert world.clusterer.story_of(article_id) in (story, None)


def test_what_is_final_by_a_merge_is_not_told_of_again_as_moved() -> None:
    """An article of the story that stays, moved there by an earlier correction, has not moved now."""
    world = World()
    for one in ARTICLES[:15]:
        world.clusterer.assign(one)
    first = step_of(world, "merge", 0, 1, False, 1, {})
    assert first is not None
    moved = {a.article_id for a in first(world.clusterer)}
    stories = {world.clusterer.story_of(i) for i in moved}
    second = step_of(world, "merge", sorted({world.clusterer.story_of(a.id) for a in ARTICLES[:15]}).index(*stories), 2,
                     True, 2, {})  # fmt: skip
    assert second is not None
    again = {a.article_id: a.moved_from for a in second(world.clusterer)}
    assert moved <= again.keys()
    assert {again[i] for i in moved} == {None}


def test_no_more_articles_leave_at_once_than_their_ids_fit_into_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusterer, "_FORGET_MOST", 3)
    forgetting = Clusterer(ClusterConfig(window_hours=24))
    generator = np.random.default_rng(2)
    for number in range(12):
        forgetting.assign(article(f"early-{number:04d}", generator.normal(size=384), hours=0.1 * number))
    gone = []
    for number in range(24):
        late = article(f"late-{number:05d}", generator.normal(size=384), hours=500 + 0.1 * number)
        gone.append(len(forgetting.assign(late).record.get("g", [])))
    assert max(gone) == 3
    assert not any(forgetting.story_of(f"early-{number:04d}") for number in range(12))
