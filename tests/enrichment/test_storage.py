"""What is stored of a story: as much as an article adds, whole under any prefix of the changelog, within bounds."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from runtime.settings import Settings
from schemas.articles import ClusteredArticle
from schemas.readings import Entity, Mention
from schemas.stories import Story
from schemas.topics import CLUSTERED
from streams.apps import enrich as enrich_stage
from streams.apps.way import Position
from streams.enrichment import StoryState, bounds, changes, enrich, joining, load
from tests.enrichment.test_joining import article, deal, person

Table = dict[str, bytes]


def store(table: Table, article: ClusteredArticle, *, records: int | None = None) -> Story:
    """What the stage does with an article; of what it stores only the first `records` records where that is said."""
    stored = load(table.get, "s1")
    result = enrich(stored.state if stored else None, article)
    for key, value in changes(stored, result.state)[:records]:
        if value is None:
            del table[key]
        else:
            table[key] = value
    return result.story


def state_of(table: Table) -> StoryState:
    stored = load(table.get, "s1")
    assert stored is not None
    return stored.state


def names(count: int, *, of: int = 0) -> list[Entity]:
    """Places with names of their own, the last of them named most often."""
    return [
        Entity(
            id=f"Q{of}{n:06d}",
            type="place",
            name=f"A place by the name of {of} {n}",
            mentions=[Mention(start=0, end=5, text=f"P {n} {'x' * (n % 7)}")] * (1 + (n == count - 1)),
        )
        for n in range(count)
    ]


EVENTS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["joins", "joins", "joins", "leaves"]), st.booleans()),
    min_size=1,
    max_size=25,
)


def articles_of(events: list[tuple[int, str, bool]]) -> list[ClusteredArticle]:
    """Articles that join, come anew in a later revision and leave, each event later than the one before it."""
    made = []
    for at, (number, what, tells) in enumerate(events):
        fields: dict[str, Any] = {
            "version": 10_000 + at,
            "title": f"Title {number} as of {at}",
            "language": ("en", "ms", "ar")[number % 3],
            "deals": [deal()] if tells else [],
            "arms_deal": tells,
            "arms_deal_score": 0.5 + at / 100 if tells else 0.0,
            "entities": [person(f"pw:person:{number % 2}", f"Olga Nazwisko{number % 2}")],
        }
        if what == "leaves":
            fields |= {"retracted": True, "moved_to": "s2"}
        made.append(article(number, **fields))
    return made


@pytest.fixture(autouse=True, scope="module")
def short_stories() -> Any:
    """Stories that let articles go early."""
    patch = pytest.MonkeyPatch()
    patch.setattr(joining, "KEPT_ARTICLES", 3)
    patch.setattr(joining, "KEPT_VERSIONS", 2)
    yield
    patch.undo()


@examples(max_examples=40)
@given(EVENTS)
def test_a_story_is_read_as_it_was_told(events: list[tuple[int, str, bool]]) -> None:
    table: Table = {}
    state = None
    for one in articles_of(events):
        state = enrich(state, one).state
        store(table, one)
        read = state_of(table)
        assert read == state
        assert list(read.facts) == list(state.facts)
        assert list(read.let_go_versions) == list(state.let_go_versions)


@examples(max_examples=60)
@given(EVENTS, st.data())
def test_killed_between_two_records_the_story_is_whole_after_the_replay(
    events: list[tuple[int, str, bool]], data: st.DataObject
) -> None:
    table: Table = {}
    undisturbed: Table = {}
    for one in articles_of(events):
        expected = store(undisturbed, one)
        stored = load(table.get, "s1")
        count = len(changes(stored, enrich(stored.state if stored else None, one).state))
        store(table, one, records=data.draw(st.integers(0, count)))
        story = store(table, one)
        # How often it was told is another number: it only has to grow.
        assert story.model_copy(update={"version": expected.version}) == expected


def test_what_is_stored_grows_with_what_changed_and_not_with_the_story() -> None:
    table: Table = {}
    written = []
    for number in range(60):
        one = article(number, entities=names(40, of=number), source="one.example")
        before = dict(table)
        store(table, one)
        written.append(sum(len(value) for key, value in table.items() if before.get(key) != value))
    assert max(written[40:]) < 1.3 * max(written[1:4])


def test_a_story_in_one_piece_as_it_was_stored_before_goes_on() -> None:
    kept: StoryState | None = None
    articles = [article(n, deals=[deal()], entities=[person("p", "A B")]) for n in range(5)]
    for one in articles:
        kept = enrich(kept, one).state
    assert kept is not None
    fields = json.loads(kept.model_dump_json())
    del fields["let_go_left_out"]
    for facts in fields["facts"].values():
        del facts["left_out"]
    table: Table = {"s1": json.dumps({**fields, "of the future": [1]}).encode()}
    store(table, articles[-1])
    assert list(table) == ["s1"], "a replay changes nothing"
    assert state_of(table) == kept
    for records in range(9):  # the carrying over, cut short anywhere
        again = dict(table)
        store(again, article(6), records=records)
        story = store(again, article(6))
        assert story.article_count == 6
        assert state_of(again) == enrich(kept, article(6)).state


def test_a_field_that_a_record_lacks_is_no_fault() -> None:
    table = {"s1": b'{"id": "s1", "first_seen": "2026-03-01T00:00:00Z"}'}
    assert store(table, article(0)).article_count == 1
    facts = next(key for key in table if key.endswith("\x1f0"))
    least = {name: json.loads(table[facts])[name] for name in ("version", "brief")}
    table[facts] = json.dumps(least).encode()
    table["s1"] = b'{"id": "s1", "first_seen": "2026-03-01T00:00:00Z", "end": 1}'
    assert store(table, article(1)).article_count == 2


def test_an_article_let_go_can_still_leave() -> None:
    table: Table = {}
    for number in range(4):
        store(table, article(number))
    assert list(state_of(table).let_go_versions) == ["enrich-000000"]
    for number in range(4):
        story = store(table, article(number, retracted=True, moved_to="s2", version=90_000))
    assert story.article_count == 0
    assert story.merged_into == "s2"
    assert len(table) == 1


def test_of_thousands_of_names_the_most_telling_are_kept_and_the_others_counted() -> None:
    many = names(3_000)
    one = article(0, entities=[*many, person("Q212", "In The Deal")], deals=[deal()])
    table: Table = {}
    story = store(table, one)
    assert max(map(len, table.values())) < bounds.NAMES + bounds.DEALS + 4_096
    kept = {e.id for e in state_of(table).facts[one.id].entities}
    assert {"Q212", many[-1].id} <= kept
    assert story.left_out == len(many) + 1 - len(kept)
    told = enrich(None, one).article
    assert told is not None
    assert len(told.entities) == len(many) + 1, "the article itself loses none"
    assert f"not {story.left_out} of {len(many) + 2} names and deals" in told.notes[-1]


def test_what_articles_let_go_told_is_bounded_and_says_all_it_said() -> None:
    table: Table = {}
    statuses = ["reported", "denied", *["reported"] * 400]
    for number, status in enumerate(statuses):
        told = deal(status=status, evidence={"start": 0, "end": 900, "text": "x" * 900}, score=0.5 + number / 1_000)
        story = store(table, article(number, deals=[told], source=f"{number}.example" * 10))
    assert max(map(len, table.values())) < 2 * bounds.LISTED + bounds.LET_GO
    (deal_told,) = story.deals
    assert deal_told.disputed
    assert len(deal_told.evidence) <= bounds.EVIDENCE + 3
    assert story.left_out > 300


@pytest.mark.engine
async def test_the_event_loop_goes_on_while_a_story_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The telling waits for the loop: on the loop it would wait for ever."""
    stage = enrich_stage.make_stage(settings)
    monkeypatch.setattr(stage._tables[0], "take", lambda *_: 0)
    went_on = threading.Event()

    def waiting(state: StoryState | None, one: ClusteredArticle) -> Any:
        assert went_on.wait(30)
        return enrich(state, one)

    monkeypatch.setattr(enrich_stage, "enrich", waiting)
    asyncio.get_running_loop().call_later(0.05, went_on.set)
    position = Position(CLUSTERED.name, 0, 0)
    outgoing = await asyncio.wait_for(stage._ways[CLUSTERED.name].step(article(0), position), 60)
    assert [out.topic.name for out in outgoing] == ["articles.enriched", "stories"]
