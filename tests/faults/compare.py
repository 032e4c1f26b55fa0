"""What a trial left, beside what an undisturbed run of the same articles gives. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Undisturbed:
    """What is right."""

    story: Mapping[str, str]
    """Of each article."""
    matching: frozenset[str]
    """Articles that the subscription matches."""


@dataclass(frozen=True)
class Left:
    """What there is after the trial."""

    articles: Mapping[str, Mapping[str, Any]]
    """The documents of the index, by id."""
    stories: Mapping[str, Mapping[str, Any]]
    dead: list[str]
    """A line for each dead letter."""
    told: Counter[tuple[str, str]]
    """By how many different articles each (subscription, story) was told as new."""
    keys: Counter[str]
    """How often each idempotency key of a new alert came to the receiver."""
    alert_stories: Mapping[str, str]
    """The story of each alert, by the alert's id."""
    notes: list[str] = field(default_factory=list)


def differences(right: Undisturbed, left: Left) -> list[str]:
    """A sentence for each kind of difference; none where all is right."""
    found = [*left.notes]
    missing = right.story.keys() - left.articles.keys()
    if missing:
        found.append(f"{len(missing)} of {len(right.story)} articles are not in the index: {sorted(missing)[:10]}")
    if left.articles.keys() - right.story.keys():
        found.append(f"articles that nobody sent: {sorted(left.articles.keys() - right.story.keys())[:10]}")
    if left.dead:
        found.append(f"{len(left.dead)} dead letters: {left.dead[:5]}")
    return [*found, *_stories(right, left), *_alerts(right, left)]


def _stories(right: Undisturbed, left: Left) -> list[str]:
    found = []
    ours = {key: str(doc["story_id"]) for key, doc in left.articles.items() if key in right.story}
    torn = _apart(right.story, ours)
    if torn:
        found.append(f"{len(torn)} stories are in several: {torn[:5]}")
    mixed = _apart(ours, right.story)
    if mixed:
        shown = [
            (key, right.story[key], left.articles[key].get("version"), left.articles[key].get("correction_id"))
            for key, story in ours.items()
            if story in mixed[:5]
        ]
        found.append(f"{len(mixed)} stories hold several: {mixed[:5]}: {shown}")
    members = Counter(ours.values())
    counts = {s: int(left.stories[s]["article_count"]) if s in left.stories else 0 for s in members}
    wrong = {story: (counts[story], n) for story, n in members.items() if counts[story] != n}
    if wrong:
        found.append(f"{len(wrong)} stories count wrongly (counted, there): {dict(list(wrong.items())[:5])}")
    return found


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Stories of `one` whose articles are in several stories of `other`."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for article, story in one.items():
        if article in other:
            places[story].add(other[article])
    return sorted(story for story, there in places.items() if len(there) > 1)


def _alerts(right: Undisturbed, left: Left) -> list[str]:
    found = []
    watched: defaultdict[str, set[str]] = defaultdict(set)
    for article in right.matching & left.articles.keys():
        watched[right.story[article]].add(article)
    told = {story for _, story in left.told}
    delivered = {left.alert_stories.get(key.partition(":")[0], "") for key in left.keys}
    # A story that the clusterer has put together itself was told under each of its parts.
    repaired = {key for key, doc in left.articles.items() if doc.get("correction_id")}
    for what, there in (("told", told), ("delivered", delivered)):
        silent = [
            sorted(articles)
            for articles in watched.values()
            if not articles & repaired and not {left.articles[a]["story_id"] for a in articles} & there
        ]
        if silent:
            found.append(f"{len(silent)} of {len(watched)} stories were not {what}: {silent[:5]}")
    twice = {pair: n for pair, n in left.told.items() if n > 1}
    if twice:
        found.append(f"{len(twice)} stories were told twice: {dict(list(twice.items())[:5])}")
    again = {key: n for key, n in left.keys.items() if n > 1}
    if again:
        found.append(f"{len(again)} alerts were delivered twice: {dict(list(again.items())[:5])}")
    return found
