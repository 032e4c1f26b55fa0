"""One alert per subscription and story: what an article means for it, and how the alert grows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.alerts import Alert, Subscription
from schemas.articles import EnrichedArticle
from schemas.ids import alert_id
from schemas.readings import Deal
from schemas.stories import DealEvidence, StoryDeal

MAX_EVIDENCE = 20
"""Of one deal, in one alert: enough to judge by; the story has them all."""


@dataclass(frozen=True)
class StoryMemory:
    """What was told to a subscription of a story."""

    alert: Alert
    """As last told, or about to be."""
    published: bool
    """Kafka has acknowledged that alert."""
    seq_no: int = -1
    primary_term: int = -1
    """Of the stored document: a write by another worker in between is noticed."""
    index: str = ""
    """The version of the index that it lies in: these numbers say nothing in another."""


@dataclass(frozen=True)
class ArticleMemory:
    """That an article was told to a subscription, under which story."""

    story_id: str


Step = Literal["new", "update", "inherit", "publish", "known", "skip"]


def next_step(article: EnrichedArticle, story: StoryMemory | None, mark: ArticleMemory | None) -> Step:
    """What a matching article means, given what is remembered of its story and of itself.

    `new`: the first alert. `update`: fold into the alert. `publish`: this very article was stored and perhaps not
    published. `known`: a replay. `inherit`: the article was told under another story, so this one counts as told.
    `skip`: nothing is told, and nothing remembered.
    """
    if article.retracted:
        return "skip"
    if story is None:
        if mark is not None:
            return "inherit"
        # Only put here by a repair: what the repair moved is not news.
        return "skip" if article.correction_id else "new"
    if story.alert.article_id == article.id:
        return "known" if story.published else "publish"
    return "known" if mark is not None else "update"


def new_alert(subscription: Subscription, article: EnrichedArticle) -> Alert:
    """The first alert of a subscription for a story."""
    return Alert(
        id=alert_id(subscription.id, article.story_id),
        kind="new",
        revision=1,
        subscription_id=subscription.id,
        subscription_name=subscription.name,
        story_id=article.story_id,
        title=article.story.title,
        article_id=article.id,
        article_title=_headline(article),
        article_url=article.url,
        language=article.language,
        languages=_with(article.story.languages, article.language),
        sources=_with(article.story.sources, article.source),
        article_count=article.story.article_count,
        deals=fold_deals([], article),
        at=article.collected,
    )


def update(alert: Alert, subscription: Subscription, article: EnrichedArticle) -> Alert:
    """The alert with one more article of its story."""
    return new_alert(subscription, article).model_copy(
        update={
            "kind": "update",
            "revision": alert.revision + 1,
            "languages": list(dict.fromkeys([*alert.languages, *article.story.languages, article.language])),
            "sources": list(dict.fromkeys([*alert.sources, *article.story.sources, article.source])),
            "article_count": max(alert.article_count, article.story.article_count),
            "deals": fold_deals(alert.deals, article),
        }
    )


def inherited(alert: Alert, subscription: Subscription, article: EnrichedArticle) -> Alert:
    """The alert of another story, for the story its article has moved to: told already, so never published as new."""
    return alert.model_copy(
        update={
            "id": alert_id(subscription.id, article.story_id),
            "story_id": article.story_id,
            "article_id": article.id,
        }
    )


def fold_deals(known: list[StoryDeal], article: EnrichedArticle) -> list[StoryDeal]:
    """Deals told so far with those this article tells: the same parties and weapons are the same deal."""
    deals = {deal.id: deal for deal in known}
    for deal in article.deals:
        told = _story_deal(deal, article)
        before = deals.get(told.id)
        if before is None:
            deals[told.id] = told
        elif all(e.article_id != article.id or e.start != deal.evidence.start for e in before.evidence):
            deals[told.id] = before.model_copy(
                update={
                    "score": max(before.score, told.score),
                    "evidence": [*before.evidence, *told.evidence][:MAX_EVIDENCE],
                    "disputed": before.disputed or told.status != before.status,
                    "amount": before.amount or told.amount,
                    "quantity": before.quantity if before.quantity is not None else told.quantity,
                }
            )
    return list(deals.values())


def _story_deal(deal: Deal, article: EnrichedArticle) -> StoryDeal:
    parties = "+".join(sorted(deal.supplier)) + ">" + "+".join(sorted(deal.recipient))
    return StoryDeal(
        id=f"{parties}:{'+'.join(sorted(deal.weapons))}:{deal.act}",
        act=deal.act,
        status=deal.status,
        supplier=deal.supplier,
        recipient=deal.recipient,
        weapons=deal.weapons,
        amount=deal.amount,
        quantity=deal.quantity,
        score=deal.score,
        evidence=[
            DealEvidence(
                **deal.evidence.model_dump(),
                article_id=article.id,
                language=article.language,
                act=deal.act,
                status=deal.status,
                score=deal.score,
            )
        ],
    )


def _headline(article: EnrichedArticle) -> str:
    return article.title.strip() or article.text.strip().split("\n", 1)[0][:200]


def _with(values: list[str], value: str) -> list[str]:
    return values if value in values else [*values, value]
