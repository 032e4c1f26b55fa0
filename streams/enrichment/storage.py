"""A story's memory as records: a small head under the story's id, and each article under a key of its own.

What is stored with an article is what it adds, however long its story is. Articles are numbered in the order of their
arrival, and never written over: a new revision gets a new number. The head is written after what it counts and before
what it no longer counts, so that whoever is killed between two records leaves either the story as it was, or the story
as it is to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import BaseModel, Field
from pydantic_core import from_json

from schemas.base import UtcTime
from schemas.stories import StoryDeal
from streams.enrichment.bounds import lean, telling_story_deals
from streams.enrichment.state import ArticleFacts, StoryState

_SEPARATOR = "\x1f"
_PARSED = 1_000
"""Articles that are kept as read, so that a long story is not read anew with each of its articles."""


class _Head(BaseModel):
    id: str
    version: int = 0
    first_seen: UtcTime
    first_title: str = ""
    languages: list[str] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)
    titles: dict[str, str] = Field(default_factory=dict)
    merged_into: str | None = None
    begin: int = 0
    """The number of its first article, and the one after its last."""
    end: int
    dropped: int = 0
    """Articles of which nothing is known one by one."""


class _LetGo(BaseModel):
    """In the place of an article: only that it was there."""

    id: str
    let_go_version: int


class _Sum(BaseModel):
    """What the articles let go add up to."""

    let_go_deals: list[StoryDeal] = Field(default_factory=list)
    let_go_left_out: int = 0
    arms_deal: bool = False
    arms_deal_score: float = 0.0


@dataclass(frozen=True)
class Stored:
    """A story as it is stored: its state, and the number of each of its articles."""

    state: StoryState
    places: dict[str, int] = field(default_factory=dict)
    end: int = 0
    stale: list[int] = field(default_factory=list)
    """Numbers of records that count no longer and are still there."""


def load(get: Callable[[str], bytes | None], story_id: str) -> Stored | None:
    """The story of that id, by what `get` has under a key; None where there is none.

    Raises:
        ValueError: a record is damaged.
    """
    head = get(story_id)
    if head is None:
        return None
    fields = from_json(head)
    if "end" not in fields:  # releases up to 0.1 stored a story in one piece
        return Stored(_lean(StoryState.model_validate(fields)))
    known = _Head.model_validate(fields)
    found: dict[str, tuple[int, ArticleFacts | _LetGo]] = {}
    stale: list[int] = []
    for number in range(known.begin, known.end):
        if (value := get(_key(story_id, number))) is None:
            continue
        article = _article(value)
        article_id = article.id if isinstance(article, _LetGo) else article.brief.id
        if article_id in found:  # its writer was killed before it deleted what it had replaced
            stale.append(found.pop(article_id)[0])
        found[article_id] = number, article
    gone = {key: each.let_go_version for key, (_, each) in found.items() if isinstance(each, _LetGo)}
    told = get(_key(story_id, "let-go"))
    rest = _Sum.model_validate_json(told) if told else _Sum()
    state = StoryState(
        **dict(rest),
        **{name: value for name, value in known if name in StoryState.model_fields},
        facts={key: each for key, (_, each) in found.items() if isinstance(each, ArticleFacts)},
        let_go=known.dropped + len(gone),
        let_go_versions=gone,
    )
    return Stored(state, {key: number for key, (number, _) in found.items()}, known.end, stale)


def changes(before: Stored | None, state: StoryState) -> list[tuple[str, bytes | None]]:
    """What is to be stored for the story to be `state`, in this order; None deletes."""
    if before is not None and state is before.state:
        return [(_key(state.id, number), None) for number in before.stale]
    known = before.state if before is not None and before.places else None
    places, end = dict(before.places) if before else {}, before.end if before else 0
    written: list[tuple[str, bytes | None]] = []
    told = _Sum(**{name: getattr(state, name) for name in _Sum.model_fields})
    if told != (_Sum(**{name: getattr(known, name) for name in _Sum.model_fields}) if known else _Sum()):
        written.append((_key(state.id, "let-go"), _json(told)))
    stale = [*before.stale] if before else []
    for article_id in [*places]:
        if article_id not in state.facts and article_id not in state.let_go_versions:
            stale.append(places.pop(article_id))
    for article_id, version in state.let_go_versions.items():
        if known is None or article_id not in known.let_go_versions:
            if article_id not in places:
                places[article_id], end = end, end + 1
            gone = _LetGo(id=article_id, let_go_version=version)
            written.append((_key(state.id, places[article_id]), _json(gone)))
    for article_id, facts in state.facts.items():
        if known is None or known.facts.get(article_id) is not facts:
            if article_id in places:
                stale.append(places[article_id])
            places[article_id], end = end, end + 1
            written.append((_key(state.id, places[article_id]), _json(facts)))
    head = _Head(
        **{name: getattr(state, name) for name in _Head.model_fields if name in StoryState.model_fields},
        begin=min(places.values(), default=end),
        end=end,
        dropped=state.let_go - len(state.let_go_versions),
    )
    written.append((state.id, _json(head)))
    return written + [(_key(state.id, number), None) for number in sorted(stale)]


def _lean(state: StoryState) -> StoryState:
    deals, left_out = telling_story_deals(state.let_go_deals)
    facts = {article_id: lean(facts) for article_id, facts in state.facts.items()}
    return state.model_copy(update={"facts": facts, "let_go_deals": deals, "let_go_left_out": left_out})


@lru_cache(_PARSED)
def _article(value: bytes) -> ArticleFacts | _LetGo:
    fields = from_json(value)
    return _LetGo.model_validate(fields) if "let_go_version" in fields else ArticleFacts.model_validate(fields)


def _key(story_id: str, of: int | str) -> str:
    return f"{story_id}{_SEPARATOR}{of}"


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json().encode()
