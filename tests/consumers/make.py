"""Messages for tests of the consumers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas.alerts import Alert, Channel, Subscription
from schemas.articles import Decision, EnrichedArticle, StoryBrief
from schemas.ids import alert_id
from schemas.readings import Deal, Entity, Evidence, Mention
from schemas.stories import Story, StoryArticle, StoryEntity

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)

KAZAKHSTAN = Entity(
    id="Q232",
    type="place",
    name="Kazakhstan",
    kind="country",
    country="KZ",
    mentions=[Mention(start=0, end=5, text="x")],
)
RUSSIA = Entity(id="Q159", type="place", name="Russia", kind="country", country="RU")
TURKEY = Entity(id="Q43", type="place", name="Türkiye", kind="country", country="TR")
ASTANA = Entity(id="Q1520", type="place", name="Astana", kind="city", country="KZ")
S300 = Entity(id="Q463307", type="weapon", name="S-300", kind="system", country="RU")
ROSOBORONEXPORT = Entity(id="Q1510536", type="organization", name="Rosoboronexport", kind="exporter", country="RU")


def deal(**fields: Any) -> Deal:
    known: dict[str, Any] = {
        "act": "sale",
        "status": "reported",
        "supplier": [RUSSIA.id],
        "recipient": [KAZAKHSTAN.id],
        "weapons": [S300.id],
        "score": 0.9,
        "evidence": Evidence(start=0, end=10, text="Russia sells S-300 systems to Kazakhstan."),
    }
    return Deal(**(known | fields))


def article(number: int = 1, story: str = "s1", **fields: Any) -> EnrichedArticle:
    """An article of a story. Ids have at least 8 characters, as the schema wants."""
    languages = fields.pop("languages", [fields.get("language", "en")])
    sources = fields.pop("sources", [fields.get("source", "daily.example")])
    count = fields.pop("article_count", 1)
    known: dict[str, Any] = {
        "id": f"article-{number:04d}",
        "source": "daily.example",
        "url": f"https://daily.example/{number}",
        "title": "Kazakhstan buys S-300 systems",
        "text": "Russia sells S-300 systems to Kazakhstan.",
        "published": NOON,
        "collected": NOON,
        "language": "en",
        "language_confidence": 0.99,
        "embedding": [1.0] + [0.0] * 383,
        "entities": [KAZAKHSTAN, RUSSIA, S300],
        "deals": [deal()],
        "arms_deal": True,
        "arms_deal_score": 0.9,
        "story_id": story,
        "decision": Decision(new_story=number == 1, candidates=0),
        "version": 1,
        "story": StoryBrief(
            title=fields.get("title", "Kazakhstan buys S-300 systems"),
            languages=languages,
            sources=sources,
            article_count=count,
            first_seen=NOON,
            version=count,
        ),
    }
    return EnrichedArticle(**(known | fields))


def story(id_: str = "s1", version: int = 1, **fields: Any) -> Story:
    known: dict[str, Any] = {
        "id": id_,
        "title": "Kazakhstan buys S-300 systems",
        "titles": {"en": "Kazakhstan buys S-300 systems", "ms": "Kazakhstan membeli sistem S-300"},
        "languages": ["ms", "en"],
        "sources": ["daily.example"],
        "articles": [
            StoryArticle(id="article-0001", language="en", source="daily.example", title="Kazakhstan buys", when=NOON)
        ],
        "article_count": 2,
        "first_seen": NOON,
        "last_seen": NOON,
        "entities": [StoryEntity(**e.model_dump(exclude={"mentions"}), articles=1) for e in (KAZAKHSTAN, RUSSIA, S300)],
        "arms_deal": True,
        "arms_deal_score": 0.9,
        "version": version,
    }
    return Story(**(known | fields))


def alert(subscription: str = "deals", story_id: str = "s1", **fields: Any) -> Alert:
    known: dict[str, Any] = {
        "id": alert_id(subscription, story_id),
        "kind": "new",
        "revision": 1,
        "subscription_id": subscription,
        "subscription_name": "Arms deals",
        "story_id": story_id,
        "title": "Kazakhstan buys S-300 systems",
        "article_id": "article-0001",
        "article_title": "Kazakhstan buys S-300 systems",
        "article_url": "https://daily.example/1",
        "language": "en",
        "languages": ["en"],
        "sources": ["daily.example"],
        "article_count": 1,
        "at": NOON,
    }
    return Alert(**(known | fields))


def subscription(id_: str = "deals", query: str = "arms_deal:true", **fields: Any) -> Subscription:
    known: dict[str, Any] = {
        "id": id_,
        "name": "Arms deals",
        "query": query,
        "channels": [Channel(kind="terminal", updates=True)],
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Subscription(**(known | fields))
