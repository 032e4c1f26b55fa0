"""A story is told from the facts of its articles: replays change nothing, leaving leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.articles import ClusteredArticle, Decision
from schemas.readings import Deal, Entity, Evidence, Mention
from streams.enrichment import StoryState, enrich
from streams.enrichment.state import KEPT_ARTICLES

START = datetime(2026, 3, 1, tzinfo=UTC)


def article(number: int, **fields: Any) -> ClusteredArticle:
    whole: dict[str, Any] = {
        "id": f"enrich-{number:06d}",
        "source": f"source-{number % 3}.example",
        "title": f"Title {number}",
        "text": "A text.",
        "collected": START + timedelta(minutes=number),
        "language": "en",
        "language_confidence": 0.9,
        "embedding": [1.0] + [0.0] * 383,
        "story_id": "s1",
        "decision": Decision(new_story=number == 0, candidates=0),
        "version": 1_000 + number,
        **fields,
    }
    return ClusteredArticle(**whole)


def person(identity: str, text: str) -> Entity:
    return Entity(id=identity, type="person", name=text, mentions=[Mention(start=0, end=len(text), text=text)])


def deal(**fields: Any) -> Deal:
    whole: dict[str, Any] = {
        "act": "sale",
        "status": "reported",
        "supplier": ["Q212"],
        "recipient": ["Q232"],
        "weapons": ["pw:weapon:s-300"],
        "score": 0.9,
        "evidence": Evidence(start=0, end=7, text="A text."),
        **fields,
    }
    return Deal(**whole)


def told(articles: list[ClusteredArticle]) -> StoryState:
    state: StoryState | None = None
    for item in articles:
        state = enrich(state, item).state
    assert state is not None
    return state


def test_a_story_grows() -> None:
    state: StoryState | None = None
    for number, language in enumerate(["ms", "ar", "en", "ms"]):
        result = enrich(state, article(number, language=language))
        state = result.state
    story = result.story
    assert story.languages == ["ms", "ar", "en"]
    assert story.article_count == 4
    assert story.title == "Title 2", "the first English headline"
    assert story.titles == {"ms": "Title 0", "ar": "Title 1", "en": "Title 2"}
    assert story.version == 4
    assert (story.first_seen, story.last_seen) == (START, START + timedelta(minutes=3))
    assert result.article is not None
    assert result.article.story.article_count == 4


def test_a_replay_changes_nothing() -> None:
    articles = [article(n, deals=[deal()], arms_deal=True, arms_deal_score=0.9) for n in range(3)]
    state = told(articles)
    for item in articles:
        again = enrich(state, item)
        assert again.state == state
        assert again.story.version == 3


def test_a_new_revision_replaces_the_old() -> None:
    state = told([article(0, title="Old"), article(1)])
    result = enrich(state, article(0, title="New", version=5_000, arms_deal=True, arms_deal_score=0.8))
    assert result.story.article_count == 2
    assert {a.title for a in result.story.articles} == {"New", "Title 1"}
    assert result.story.arms_deal
    stale = enrich(result.state, article(0, title="Old"))
    assert stale.state == result.state


def test_an_article_without_a_title_lends_the_beginning_of_its_text() -> None:
    story = enrich(None, article(0, title="", text="word " * 100)).story
    assert story.title.startswith("word word")
    assert story.title.endswith("…")
    assert len(story.title) < 130


def test_who_leaves_leaves_nothing_behind() -> None:
    alone = told([article(0, language="en")])
    both = enrich(alone, article(1, language="ru", deals=[deal()], arms_deal=True, arms_deal_score=0.9)).state
    left = enrich(both, article(1, language="ru", retracted=True, moved_to="s2", version=9_000))
    assert left.article is None
    assert left.story.languages == ["en"]
    assert left.story.article_count == 1
    assert left.story.deals == []
    assert not left.story.arms_deal
    assert left.story.merged_into is None
    gone = enrich(left.state, article(0, retracted=True, moved_to="s2", version=9_000))
    assert gone.story.merged_into == "s2"
    assert gone.story.article_count == 0


def test_a_stale_retraction_is_ignored() -> None:
    state = told([article(0, version=9_000)])
    assert enrich(state, article(0, retracted=True, moved_to="s2", version=100)).story.article_count == 1


def test_one_person_in_all_spellings_has_one_id() -> None:
    state = told([article(0, language="ms", entities=[person("pw:person:zgurets", "Sergei Zgurets")])])
    result = enrich(state, article(1, language="ar", entities=[person("pw:person:zghwrts", "سيرجي زغوريتس")]))
    assert result.article is not None
    assert [e.id for e in result.article.entities] == ["pw:person:zgurets"]
    assert [e.name for e in result.article.entities] == ["Sergei Zgurets"]
    (in_story,) = [e for e in result.story.entities if e.type == "person"]
    assert in_story.articles == 2
    assert set(in_story.spellings) == {"ms", "ar"}


def test_one_deal_with_evidence_in_each_language() -> None:
    result = enrich(
        told([article(0, language="ms", deals=[deal()], arms_deal=True, arms_deal_score=0.7)]),
        article(1, language="ar", deals=[deal(score=0.95)], arms_deal=True, arms_deal_score=0.95),
    )
    (reconciled,) = result.story.deals
    assert {e.language for e in reconciled.evidence} == {"ms", "ar"}
    assert result.story.arms_deal_score == pytest.approx(0.95)


def test_a_long_story_is_bounded_and_forgets_no_deal() -> None:
    many = KEPT_ARTICLES + 50
    articles = [article(n, arms_deal=n == 0, arms_deal_score=0.9 if n == 0 else 0.0, deals=[deal()] * (n == 0))
                for n in range(many)]  # fmt: skip
    state = told(articles)
    story = enrich(state, articles[-1]).story
    assert len(story.articles) == KEPT_ARTICLES
    assert story.article_count == many
    assert story.arms_deal
    assert story.arms_deal_score == pytest.approx(0.9)
    assert len(story.deals) == 1
    assert enrich(state, articles[0]).state == state, "a replay of an article let go is not counted again"


def test_the_memory_survives_storage() -> None:
    state = told([article(n, deals=[deal()], entities=[person("p", "A B")]) for n in range(3)])
    assert StoryState.model_validate_json(state.model_dump_json()) == state
