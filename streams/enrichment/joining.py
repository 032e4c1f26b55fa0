"""A story grows: an article joins it (or leaves), and the story is told anew from its facts.

The same article in the same version changes nothing and gives the same answer again, so a replay is harmless.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from schemas.articles import ClusteredArticle, EnrichedArticle, StoryBrief
from schemas.readings import Deal, Entity, Mention
from schemas.stories import Story, StoryArticle, StoryDeal, StoryEntity
from streams.deals.reconcile import reconcile
from streams.enrichment import bounds
from streams.enrichment.state import KEPT_ARTICLES, KEPT_VERSIONS, ArticleFacts, NamedEntity, StoryState
from streams.entities import unify_persons

_SPELLINGS = 5
_HEADLINE = 120
_ENTITIES = 60
_KNOWN_PERSONS = 200
"""Those that most of a story's articles name: with each of them the persons of a new article are compared."""


class Enrichment(NamedTuple):
    """What came of an article: the story's new memory, the article (None when it left), the story's snapshot."""

    state: StoryState
    article: EnrichedArticle | None
    story: Story


def enrich(state: StoryState | None, article: ClusteredArticle) -> Enrichment:
    """Let `article` join its story, or leave it if it is retracted. `state` is None for a new story."""
    if state is None:
        state = StoryState(
            id=article.story_id,
            first_seen=article.when,
            first_title=headline(article),
        )
    known = state.facts.get(article.id)
    version = known.version if known is not None else state.let_go_versions.get(article.id)
    if article.retracted:
        if version is not None and article.rank >= version:
            state = _without(state, article)
        return Enrichment(state, None, tell(state))
    if known is not None and known.version >= article.rank:
        facts = known
    else:
        facts = _facts(article, _known_persons(state, but=article.id))
        if state.let_go_versions.get(article.id, -1) < article.rank:
            state = _with(state, article, facts)
    story = tell(state)
    return Enrichment(state, _enriched(article, facts, story), story)


def headline(article: ClusteredArticle) -> str:
    """The title, or where there is none the beginning of the text."""
    title = " ".join(article.title.split())
    if title:
        return title
    text = " ".join(article.text.split())
    return text if len(text) <= _HEADLINE else text[:_HEADLINE].rsplit(" ", 1)[0] + " …"


def tell(state: StoryState) -> Story:
    """The story as its facts have it."""
    facts = list(state.facts.values())
    score = max([f.arms_deal_score for f in facts] + [state.arms_deal_score], default=0.0)
    english = state.titles.get("en")
    return Story(
        id=state.id,
        title=english or state.first_title,
        titles=state.titles,
        languages=state.languages,
        sources=state.sources,
        articles=[f.brief for f in facts],
        article_count=len(facts) + state.let_go,
        first_seen=state.first_seen,
        last_seen=max((f.brief.when for f in facts), default=state.first_seen),
        entities=_entities(facts),
        deals=_deals(state.let_go_deals, facts),
        left_out=state.let_go_left_out + sum(f.left_out for f in facts),
        arms_deal=state.arms_deal or any(f.brief.arms_deal for f in facts),
        arms_deal_score=score,
        version=max(state.version, 1),
        merged_into=state.merged_into,
    )


def _with(state: StoryState, article: ClusteredArticle, facts: ArticleFacts) -> StoryState:
    others = _without_let_go(state, article.id)
    earlier = {key: value for key, value in state.facts.items() if key != article.id}
    state = _trimmed(others.model_copy(update={"facts": {**earlier, article.id: facts}}))
    return state.model_copy(
        update={
            "version": state.version + 1,
            "first_seen": min(state.first_seen, article.when),
            "languages": bounds.listed(state.languages, article.language),
            "sources": bounds.listed(state.sources, article.source),
            "titles": bounds.titled(state.titles, article.language, headline(article)),
            "merged_into": None,
        }
    )


def _trimmed(state: StoryState) -> StoryState:
    """Let the oldest articles go, keeping what they told."""
    surplus = list(state.facts)[: max(0, len(state.facts) - KEPT_ARTICLES)]
    if not surplus and len(state.let_go_versions) <= KEPT_VERSIONS:
        return state
    gone = [state.facts[key] for key in surplus]
    deals, left_out = bounds.telling_story_deals(_deals(state.let_go_deals, gone))
    versions = {**state.let_go_versions, **{key: state.facts[key].version for key in surplus}}
    return state.model_copy(
        update={
            "facts": {key: value for key, value in state.facts.items() if key not in surplus},
            "let_go": state.let_go + len(surplus),
            "let_go_versions": dict(list(versions.items())[-KEPT_VERSIONS:]),
            "let_go_deals": deals,
            "let_go_left_out": state.let_go_left_out + left_out + sum(f.left_out for f in gone),
            "arms_deal": state.arms_deal or any(f.brief.arms_deal for f in gone),
            "arms_deal_score": max([state.arms_deal_score, *(f.arms_deal_score for f in gone)]),
        }
    )


def _without_let_go(state: StoryState, article_id: str) -> StoryState:
    """The story without an article that was let go; what it told of deals is kept."""
    if article_id not in state.let_go_versions:
        return state
    versions = {key: value for key, value in state.let_go_versions.items() if key != article_id}
    return state.model_copy(update={"let_go": state.let_go - 1, "let_go_versions": versions})


def _without(state: StoryState, article: ClusteredArticle) -> StoryState:
    """The story told anew without the article: its language, source and headline stay only if others have them."""
    state = _without_let_go(state, article.id)
    left = {key: value for key, value in state.facts.items() if key != article.id}
    remaining = [f.brief for f in left.values()]
    keep_all = state.let_go > 0  # what the articles let go had is not known one by one any more
    languages = {b.language for b in remaining}
    sources = {b.source for b in remaining}
    emptied = not left and not state.let_go
    return state.model_copy(
        update={
            "version": state.version + 1,
            "facts": left,
            "languages": [x for x in state.languages if keep_all or x in languages],
            "sources": [x for x in state.sources if keep_all or x in sources],
            "titles": {k: v for k, v in state.titles.items() if keep_all or k in languages},
            "merged_into": article.moved_to if emptied else None,
        }
    )


def _facts(article: ClusteredArticle, known: list[Entity]) -> ArticleFacts:
    named = bounds.within(bounds.by_weight(article.entities, article.deals), bounds.NAMES, _named_bytes)
    persons = [e for e in named if e.type == "person"]
    same = unify_persons(known, persons, article.language) if persons else {}
    same = {read: canonical for read, canonical in same.items() if read != canonical}
    names = {e.id: e.name for e in known}
    merged: dict[str, NamedEntity] = {}
    kept = {e.id for e in named}
    for entity in article.entities:
        if entity.id not in kept:
            continue
        identity = same.get(entity.id, entity.id)
        if identity in merged:
            old = merged[identity]
            merged[identity] = old.model_copy(update={"spellings": [*old.spellings, *_spellings(entity)][:_SPELLINGS]})
            continue
        merged[identity] = _named(entity, identity, names.get(identity, entity.name))
    deals = bounds.telling_deals(article.deals)
    return ArticleFacts(
        version=article.rank,
        brief=StoryArticle(
            id=article.id,
            language=article.language,
            source=article.source,
            title=headline(article),
            url=article.url,
            when=article.when,
            duplicate_of=article.duplicate_of,
            arms_deal=article.arms_deal,
        ),
        entities=list(merged.values()),
        deals=[_renamed(deal, same) for deal in deals],
        arms_deal_score=article.arms_deal_score,
        same_person=same,
        left_out=len(article.entities) - len(named) + len(article.deals) - len(deals),
    )


def _named(entity: Entity, identity: str, name: str) -> NamedEntity:
    return NamedEntity(
        id=identity,
        type=entity.type,
        name=name,
        kind=entity.kind,
        country=entity.country,
        spellings=_spellings(entity),
    )


def _named_bytes(entity: Entity) -> int:
    return bounds.json_bytes(_named(entity, entity.id, entity.name))


def _spellings(entity: Entity) -> list[str]:
    return [text for text, _ in Counter(m.text for m in entity.mentions).most_common(_SPELLINGS)]


def _renamed(deal: Deal, same: dict[str, str]) -> Deal:
    if not same:
        return deal
    return deal.model_copy(
        update={
            "supplier": [same.get(x, x) for x in deal.supplier],
            "recipient": [same.get(x, x) for x in deal.recipient],
        }
    )


def _known_persons(state: StoryState, *, but: str) -> list[Entity]:
    """The persons that most of the story's articles name, with every spelling so far, in order of first appearance."""
    found: dict[str, list[NamedEntity]] = {}
    for article_id, facts in state.facts.items():
        if article_id != but:
            for entity in facts.entities:
                if entity.type == "person":
                    found.setdefault(entity.id, []).append(entity)
    chosen = set(sorted(found, key=lambda id_: -len(found[id_]))[:_KNOWN_PERSONS])
    return [_person(told) for id_, told in found.items() if id_ in chosen]


def _person(told: list[NamedEntity]) -> Entity:
    texts = dict.fromkeys(text for entity in told for text in entity.spellings)
    mentions = [Mention(start=0, end=len(text), text=text) for text in texts]
    return Entity(id=told[0].id, type="person", name=told[0].name, mentions=mentions)


def _enriched(article: ClusteredArticle, facts: ArticleFacts, story: Story) -> EnrichedArticle:
    names = {e.id: e.name for e in facts.entities}
    entities: dict[str, Entity] = {}
    for entity in article.entities:
        identity = facts.same_person.get(entity.id, entity.id)
        if identity in entities:
            entities[identity].mentions.extend(entity.mentions)
            entities[identity].mentions.sort(key=lambda m: m.start)
            continue
        entities[identity] = entity.model_copy(
            update={"id": identity, "name": names.get(identity, entity.name), "mentions": list(entity.mentions)}
        )
    fields = dict(article)
    if facts.left_out:
        left = f"{facts.left_out} of {len(article.entities) + len(article.deals)} names and deals"
        fields["notes"] = [*article.notes, f"its story remembers the most telling alone: not {left}"]
    fields.update(
        entities=list(entities.values()),
        deals=[_renamed(deal, facts.same_person) for deal in article.deals],
        story=StoryBrief(
            title=story.title,
            languages=story.languages,
            sources=story.sources,
            article_count=story.article_count,
            first_seen=story.first_seen,
            version=story.version,
        ),
    )
    return EnrichedArticle(**fields)


def _entities(facts: list[ArticleFacts]) -> list[StoryEntity]:
    """The story's entities, those named by most articles first."""
    found: dict[str, StoryEntity] = {}
    for fact in facts:
        for entity in fact.entities:
            in_story = found.setdefault(
                entity.id,
                StoryEntity(
                    id=entity.id,
                    type=entity.type,
                    name=entity.name,
                    kind=entity.kind,
                    country=entity.country,
                    articles=0,
                ),
            )
            in_story.articles += 1
            spellings = in_story.spellings.setdefault(fact.brief.language, [])
            spellings.extend(s for s in entity.spellings if s not in spellings and len(spellings) < _SPELLINGS)
    return sorted(found.values(), key=lambda e: (-e.articles, e.id))[:_ENTITIES]


def _deals(before: list[StoryDeal], facts: list[ArticleFacts]) -> list[StoryDeal]:
    deals = before
    for fact in facts:
        if fact.deals:
            deals = reconcile(deals, fact.brief.id, fact.brief.language, fact.deals)
    return deals
