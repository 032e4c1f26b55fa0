"""The clusterer's promises: determinism, replay, restoration, revisions, bounded memory."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from schemas.articles import ClusteredArticle
from schemas.ids import story_id
from streams.stories import Assignment, ClusterConfig, Clusterer

from .conftest import article, stream


def _stored(answers: list[Assignment]) -> dict[str, dict]:
    """What a store holds after these answers, as JSON has it."""
    store: dict[str, dict] = {}
    for answer in answers:
        store[answer.article_id] = json.loads(json.dumps(answer.record))
        for gone in answer.forgotten:
            del store[gone]
    return store


def test_events_become_stories_across_languages() -> None:
    articles = stream(12, 15)
    clusterer = Clusterer()
    answers = [clusterer.assign(a) for a in articles]
    by_event: dict[str, set[str]] = {}
    for a, answer in zip(articles, answers, strict=True):
        by_event.setdefault(a.title.split()[0], set()).add(answer.story_id)
    assert all(len(stories) == 1 for stories in by_event.values())
    assert len(set.union(*by_event.values())) == len(by_event)


def test_a_story_is_named_after_its_first_article() -> None:
    first = stream(1, 1)[0]
    answer = Clusterer().assign(first)
    assert answer.story_id == story_id(first.id)
    assert answer.decision.new_story
    assert answer.decision.score is None
    assert answer.version == int(first.collected.timestamp() * 1000)


def test_a_replay_gives_the_same_answers() -> None:
    articles = stream(10, 12)
    clusterer = Clusterer(ClusterConfig(window_hours=10, story_members=8, replay_articles=0))
    answers = [clusterer.assign(a) for a in articles]
    live = set(_stored(answers))
    replayed = [clusterer.assign(a) for a in articles if a.id in live]
    assert replayed == [a for a in answers if a.article_id in live]


@pytest.mark.parametrize("kill_at", [1, 49, 50, 51, 77, 160, 239])
def test_restored_anywhere_it_decides_as_if_never_stopped(kill_at: int) -> None:
    # Much noise, so that many decisions are close; a short window, so that much is forgotten.
    articles = stream(20, 12, noise=1.1)
    config = ClusterConfig(window_hours=12, story_members=6, replay_articles=25)
    whole = Clusterer(config)
    expected = [whole.assign(a) for a in articles]
    assert any(answer.forgotten for answer in expected)

    first = Clusterer(config)
    before = [first.assign(a) for a in articles[:kill_at]]
    records = list(_stored(before).items())
    random.Random(3).shuffle(records)
    second = Clusterer(config)
    second.restore(records)
    after = [second.assign(a) for a in articles[kill_at:]]
    assert before + after == expected


def test_a_new_revision_stays_in_its_story_with_a_higher_version() -> None:
    articles = stream(3, 10)
    clusterer = Clusterer()
    answers = {a.id: clusterer.assign(a) for a in articles}
    old = articles[5]
    changed = old.model_copy(update={"text": "Now with a body."})
    answer = clusterer.assign(changed)
    assert answer.story_id == answers[old.id].story_id
    assert answer.version > answers[old.id].version
    assert clusterer.assign(changed) == answer
    assert len(clusterer) == len(articles)


def test_the_same_text_again_is_a_duplicate_in_the_same_story() -> None:
    vectors = np.random.default_rng(1).normal(size=(3, 384))
    clusterer = Clusterer()
    one = clusterer.assign(article("original-1", vectors[0], title="Tanks for Poland", text="Signed today."))
    clusterer.assign(article("unrelated1", vectors[1], title="Rain in Spain"))
    copy = clusterer.assign(article("copy-00001", vectors[2], title="TANKS for Poland!", text="Signed  today", hours=3))
    assert copy.duplicate_of == "original-1"
    assert copy.story_id == one.story_id
    other_language = clusterer.assign(
        article("copy-00002", vectors[2], title="Tanks for Poland", text="Signed today.", language="nl")
    )
    assert other_language.duplicate_of is None


def test_silent_stories_are_forgotten_with_their_records() -> None:
    articles = stream(30, 10)
    clusterer = Clusterer(ClusterConfig(window_hours=5, replay_articles=0))
    answers = [clusterer.assign(a) for a in articles]
    assert len(_stored(answers)) == len(clusterer)
    last = articles[-1].when
    live = set(_stored(answers))
    stories = {answer.article_id: answer.story_id for answer in answers}
    recent = {stories[a.id] for a in articles if (last - a.when).total_seconds() < 5 * 3600}
    assert {i for i, s in stories.items() if s in recent} <= live
    assert len(clusterer) < len(articles)


@pytest.mark.parametrize("kill_at", [0, 205, 299])
def test_a_forgotten_article_that_comes_once_more_is_answered_as_before(kill_at: int) -> None:
    """An archive read in: weeks of stories pass before the broker knows that the first article was handled."""
    articles = stream(30, 10, noise=1.1)
    config = ClusterConfig(window_hours=5, replay_articles=400)
    clusterer = Clusterer(config)
    answers = [clusterer.assign(a) for a in articles[: kill_at or 300]]
    if kill_at:
        records = _stored(answers).items()
        clusterer = Clusterer(config)
        clusterer.restore(records)
        assert len(clusterer) < kill_at - 20
    assert not any(answer.forgotten for answer in answers)
    assert [clusterer.assign(a) for a in articles[: len(answers)]] == answers


def test_a_long_story_keeps_its_newest_members() -> None:
    articles = stream(1, 60, noise=0.2)
    clusterer = Clusterer(ClusterConfig(story_members=20))
    answers = [clusterer.assign(a) for a in articles]
    assert len({a.story_id for a in answers}) == 1
    assert len(clusterer) <= 21
    assert clusterer.stories == 1


def test_a_forgotten_story_comes_back_from_the_index() -> None:
    random = np.random.default_rng(12)
    centre = random.normal(size=384)
    old = [article(f"old-{i:05d}", centre + 0.2 * random.normal(size=384), hours=i) for i in range(4)]
    clusterer = Clusterer(ClusterConfig(window_hours=48))
    told = [clusterer.assign(a) for a in old]
    for number in range(200):
        clusterer.assign(article(f"since-{number:04d}", random.normal(size=384), hours=10 + number))
    assert clusterer.story_of(old[0].id) is None
    indexed = [
        ClusteredArticle(
            **dict(a), story_id=t.story_id, duplicate_of=t.duplicate_of, decision=t.decision, version=t.version
        )
        for a, t in zip(old, told, strict=True)
    ]
    assert [a.story_id for a in clusterer.recall(indexed)] == [t.story_id for t in told]
    assert clusterer.recall(indexed) == []
    again = clusterer.assign(article("news-of-it", centre + 0.2 * random.normal(size=384), hours=90))
    assert again.story_id == told[0].story_id


def test_one_article_from_the_future_makes_nothing_forgotten() -> None:
    articles = stream(5, 10)
    clusterer = Clusterer()
    for a in articles:
        clusterer.assign(a)
    before = len(clusterer)
    vector = np.random.default_rng(9).normal(size=384)
    answer = clusterer.assign(article("from-2099-x", vector, hours=24 * 365 * 70))
    assert not answer.forgotten
    assert len(clusterer) == before + 1


def test_a_wrong_embedding_changes_nothing() -> None:
    clusterer = Clusterer()
    good = stream(1, 1)[0]
    bad = good.model_copy(update={"embedding": [1.0, 2.0]})
    with pytest.raises(ValueError, match="384"):
        clusterer.assign(bad)
    assert len(clusterer) == 0
    assert clusterer.assign(good).decision.new_story


def test_an_embedding_of_zeros_starts_its_own_story() -> None:
    clusterer = Clusterer()
    for a in stream(2, 5):
        clusterer.assign(a)
    empty = article("empty-text", np.ones(384), title="?").model_copy(update={"embedding": [0.0] * 384})
    assert clusterer.assign(empty).decision.new_story
