"""Self-repair, merges and splits by operators, and why an article is where it is."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import numpy as np
import pytest

from schemas.stories import StoryCorrection
from streams.stories import Assignment, Clusterer

from .conftest import article, stream

AT = datetime(2026, 3, 20, tzinfo=UTC)


def _correction(kind: str, story: str, other: str, articles: list[str] | None = None) -> StoryCorrection:
    return StoryCorrection.model_validate(
        {
            "id": f"{kind}-{story}-{other}", "kind": kind, "story_id": story, "other_story_id": other,
            "article_ids": articles or [], "by": "operator:ada", "reason": "seen", "at": AT,
        }
    )  # fmt: skip


def _two_stories() -> tuple[Clusterer, dict[str, str]]:
    clusterer = Clusterer()
    articles = stream(2, 8, noise=0.3)
    stories = {a.id: clusterer.assign(a).story_id for a in articles}
    assert len(set(stories.values())) == 2
    return clusterer, stories


def _restored(clusterer: Clusterer, answers: list[Assignment]) -> Clusterer:
    records = {a.article_id: json.loads(json.dumps(a.record)) for a in answers}
    items = list(records.items())
    random.Random(1).shuffle(items)
    again = Clusterer(clusterer.config)
    again.restore(items)
    return again


def test_late_knowledge_joins_what_arrival_kept_apart() -> None:
    """Two halves of one event, too far from each other for their first articles, bridged by later ones."""
    generator = np.random.default_rng(4)
    east, west = generator.normal(size=(2, 384))
    clusterer = Clusterer()
    for number in range(40):  # others, so that there is a stream
        clusterer.assign(article(f"other-{number:04d}", generator.normal(size=384), hours=number))
    shares = [0.0, 1.0, 0.1, 0.9, 0.3, 0.7, 0.5, 0.45, 0.55, 0.5, 0.4, 0.6, 0.5, 0.5]
    ids = []
    for number, share in enumerate(shares):
        vector = (1 - share) * east + share * west + 0.15 * generator.normal(size=384)
        ids.append(f"event-{number:04d}")
        clusterer.assign(article(ids[-1], vector, hours=40 + number))
    before = {clusterer.story_of(i) for i in ids}
    assert len(before) > 1
    corrections = clusterer.repairs()
    assert any(c.kind == "merge" for c in corrections)
    assert all(c.by == "clusterer" for c in corrections)
    for correction in corrections:
        for answer in clusterer.correct(correction):
            assert answer.moved_from in before
            assert answer.version >= int(correction.at.timestamp() * 1000)
    assert len({clusterer.story_of(i) for i in ids}) == 1
    assert clusterer.repairs() == []


def test_repairs_change_nothing_by_themselves_and_are_the_same_twice() -> None:
    clusterer = Clusterer()
    stories = {a.id: clusterer.assign(a).story_id for a in stream(25, 8, noise=1.2)}
    assert clusterer.repairs() == clusterer.repairs()
    assert {i: clusterer.story_of(i) for i in stories} == stories


def test_a_second_look_sees_the_articles_as_they_were_when_it_began() -> None:
    articles = stream(25, 10, noise=1.15)
    clusterer = Clusterer()
    for one in articles[:150]:
        clusterer.assign(one)
    expected = clusterer.repairs()
    review = clusterer.review()
    for one in articles[150:]:
        clusterer.assign(one)
    for correction in expected:
        clusterer.correct(correction)
    assert review.corrections() == expected


def test_a_repaired_state_survives_a_restart() -> None:
    articles = stream(25, 10, noise=1.15)
    clusterer = Clusterer()
    store = {a.article_id: a for a in map(clusterer.assign, articles[:150])}
    moved = [a for c in clusterer.repairs() for a in clusterer.correct(c)]
    assert moved
    store.update((a.article_id, a) for a in moved)
    again = _restored(clusterer, list(store.values()))
    assert [again.assign(a) for a in articles[150:]] == [clusterer.assign(a) for a in articles[150:]]
    assert again.repairs() == clusterer.repairs()


def test_an_operator_merges_for_good() -> None:
    clusterer, stories = _two_stories()
    one, other = dict.fromkeys(stories.values())
    correction = _correction("merge", one, other)
    answers = clusterer.correct(correction)
    assert {a.article_id for a in answers} == set(stories)
    assert {a.moved_from for a in answers if stories[a.article_id] == other} == {other}
    assert {clusterer.story_of(i) for i in stories} == {one}
    assert clusterer.stories == 1
    assert clusterer.repairs() == []  # two events, but the operator's word stands
    assert _restored(clusterer, answers).repairs() == []


def test_an_operator_splits_for_good() -> None:
    clusterer = Clusterer()
    articles = stream(1, 10, noise=0.2)
    story = {clusterer.assign(a).story_id for a in articles}.pop()
    leaving = [a.id for a in articles[6:]]
    answers = clusterer.correct(_correction("split", story, "s-new", leaving))
    assert [a.article_id for a in answers] == leaving
    assert {a.story_id for a in answers} == {"s-new"}
    for correction in clusterer.repairs():  # alike as they are, the two must not come together again
        clusterer.correct(correction)
    assert {clusterer.story_of(i) for i in leaving} == {"s-new"}
    assert "s-new" not in {clusterer.story_of(a.id) for a in articles[:6]}


def test_the_same_correction_again_gives_the_same_answer() -> None:
    clusterer, stories = _two_stories()
    one, other = dict.fromkeys(stories.values())
    leaving = [i for i, s in stories.items() if s == one][:3]
    correction = _correction("split", one, other, leaving)
    first = clusterer.correct(correction)
    assert [a.article_id for a in first] == leaving
    assert clusterer.correct(correction) == first


def test_corrections_of_the_forgotten_are_passed_over() -> None:
    clusterer, _ = _two_stories()
    assert clusterer.correct(_correction("merge", "s-unknown", "s-neither")) == []
    assert clusterer.correct(_correction("split", "s-unknown", "s-neither", ["no-such-article"])) == []


def test_an_explanation_adds_up() -> None:
    clusterer, stories = _two_stories()
    chosen = next(iter(stories))
    explanation = clusterer.explain(chosen)
    assert explanation is not None
    assert explanation.story_id == stories[chosen]
    closest = explanation.candidates[0]
    assert closest.story_id == stories[chosen]
    assert closest.closeness >= explanation.threshold > explanation.candidates[1].closeness
    assert sum(closest.contributions.values()) == pytest.approx(closest.closeness)
    json.dumps(explanation.dump())
    assert clusterer.story_of(chosen) == stories[chosen]
    assert clusterer.explain("no-such-article") is None
