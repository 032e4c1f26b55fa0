"""What a subscription would have sent, had it been made some days ago."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from consumers.index.reader import IndexReader
from consumers.query import Matchable, Query

MAX_BACKTEST = 20_000
"""Articles that a backtest looks at: a query that matches more in a few days is no query to subscribe to."""


@dataclass
class WouldSend:
    """One story of a backtest: a new alert at `at`, and an update for each further article."""

    story_id: str
    title: str
    at: datetime
    language: str
    languages: list[str]
    sources: list[str]
    updates: int = 0


@dataclass(frozen=True)
class Backtest:
    """What a subscription would have sent: one entry a story, in the order of their alerts."""

    stories: list[WouldSend] = field(default_factory=list)
    articles: int = 0
    complete: bool = True
    """False where the query matched more than `MAX_BACKTEST` articles, and only the first were looked at."""

    @property
    def alerts(self) -> int:
        return len(self.stories)

    @property
    def updates(self) -> int:
        return sum(story.updates for story in self.stories)


def backtest(index: IndexReader, query: Query, *, since: datetime) -> Backtest:
    """What a subscription made at `since` would have sent until now: the first article of each story, then updates.

    Elasticsearch finds the candidates, and the alerter's own matcher has the last word on each.
    """
    stories: dict[str, WouldSend] = {}
    articles = seen = 0
    for source in index.articles_since(query, since):
        if seen == MAX_BACKTEST:
            return Backtest(list(stories.values()), articles, complete=False)
        seen += 1
        if not query.matches(Matchable(source)):
            continue
        articles += 1
        story = stories.get(source["story_id"])
        if story is None:
            stories[source["story_id"]] = WouldSend(
                source["story_id"],
                source.get("story_title") or source.get("title", ""),
                datetime.fromisoformat(source["collected"]),
                source["language"],
                [source["language"]],
                [source["source"]],
            )
            continue
        story.updates += 1
        story.languages = list(dict.fromkeys([*story.languages, source["language"]]))
        story.sources = list(dict.fromkeys([*story.sources, source["source"]]))
    return Backtest(list(stories.values()), articles)
