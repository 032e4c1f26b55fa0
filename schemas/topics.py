"""The catalogue of topics. Creation, encoding, docs and tests all read it; nothing else names a topic."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from schemas.alerts import Alert, Subscription
from schemas.articles import AnalyzedArticle, ClusteredArticle, EnrichedArticle, RawArticle
from schemas.base import Message
from schemas.stories import Story, StoryCorrection

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The broker takes messages up to this size, so that an oversized article ends in the dead letters, with its
reason, instead of failing in the producer's hands. Well above what a valid article can encode to."""

_BROKER_LIMIT = MAX_MESSAGE_BYTES + 1024 * 1024
"""What the topics take: more than any of our clients would send, headers and envelope included. A client that is
refused by the broker for size (not by itself) may not recover from it."""
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic: what is on it, how it is keyed, and the settings it is created with."""

    name: str
    key: str
    partitions: int
    cleanup: str
    model: type[Message] | None
    description: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention_days: int | None = None
    """None with cleanup `delete` means: kept for ever."""
    config: MappingProxyType[str, str] = field(init=False)

    def __post_init__(self) -> None:
        config = {"cleanup.policy": self.cleanup, "max.message.bytes": str(_BROKER_LIMIT)}
        if self.cleanup == "delete":
            config["retention.ms"] = str(self.retention_days * _DAY_MS if self.retention_days else -1)
        object.__setattr__(self, "config", MappingProxyType(config))


RAW = Topic(
    "articles.raw", "article id", 6, "delete", RawArticle,
    "Articles as producers found them.",
    ("produce feeds", "produce files", "web (push)"), ("analyze",), retention_days=14,
)  # fmt: skip
ANALYZED = Topic(
    "articles.analyzed", "article id", 1, "delete", AnalyzedArticle,
    "Articles with language, embedding, entities and deals. One partition: one writer decides on stories.",
    ("analyze",), ("cluster",), retention_days=14,
)  # fmt: skip
CLUSTERED = Topic(
    "articles.clustered", "story id", 6, "delete", ClusteredArticle,
    "Articles with the story they belong to.",
    ("cluster",), ("enrich",), retention_days=14,
)  # fmt: skip
ENRICHED = Topic(
    "articles.enriched", "story id", 6, "delete", EnrichedArticle,
    "Articles with what only the whole story can tell; indexed and matched against subscriptions.",
    ("enrich",), ("indexer", "alerter", "web"), retention_days=30,
)  # fmt: skip
STORIES = Topic(
    "stories", "story id", 6, "compact", Story,
    "The newest snapshot of every story.",
    ("enrich",), ("indexer", "alerter", "web"),
)  # fmt: skip
CORRECTIONS = Topic(
    "stories.corrections", "story id", 1, "delete", StoryCorrection,
    "Merges and splits of stories, by the clusterer or an operator. Kept for ever.",
    ("cluster", "stories merge|split"), ("cluster",),
)  # fmt: skip
SUBSCRIPTIONS = Topic(
    "subscriptions", "subscription id", 1, "compact", Subscription,
    "Who wants to be told of what. An empty value deletes.",
    ("subscriptions add|mute|remove",), ("alerter", "notifier"),
)  # fmt: skip
ALERTS = Topic(
    "alerts", "subscription id", 6, "delete", Alert,
    "One new alert per subscription and story, and its updates.",
    ("alerter",), ("notifier", "indexer", "web"), retention_days=90,
)  # fmt: skip
DEADLETTERS = Topic(
    "deadletters", "where it came from", 3, "delete", None,
    "The bytes of every message that could not be used, with reason, stage, topic, partition, offset and time in "
    "headers.",
    ("every stage",), ("deadletters list|show|replay",), retention_days=90,
)  # fmt: skip

CATALOGUE: tuple[Topic, ...] = (
    RAW, ANALYZED, CLUSTERED, ENRICHED, STORIES, CORRECTIONS, SUBSCRIPTIONS, ALERTS, DEADLETTERS,
)  # fmt: skip
BY_NAME = MappingProxyType({topic.name: topic for topic in CATALOGUE})
