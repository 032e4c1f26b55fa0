"""Alerts of stories that went up in another: told before anybody knew that it was one story."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas.alerts import Alert
from schemas.ids import alert_id

_CHAIN = 8
"""Merges followed from one story to the next."""

Search = Callable[[str, Mapping[str, Any]], Sequence[Mapping[str, Any]]]
"""Takes one of `consumers.index.INDICES` and a search body, returns the hits."""


def without_folded(alerts: Sequence[Alert], search: Search) -> list[Alert]:
    """Without each alert whose story is now part of another that the same subscription was told of, too.

    Where only the story that went up in another was told of, its alert stays. Nothing is deleted: the alert is still
    found under the id of its own story.
    """
    targets = _targets({alert.story_id for alert in alerts}, search)
    if not targets:
        return list(alerts)
    heirs = {
        alert.id: alert_id(alert.subscription_id, targets[alert.story_id])
        for alert in alerts
        if alert.story_id in targets
    }
    there = {hit["_id"] for hit in _by_id("alerts", set(heirs.values()), ["id"], search)}
    return [alert for alert in alerts if heirs.get(alert.id) not in there]


def _targets(stories: set[str], search: Search) -> dict[str, str]:
    """Where each story that went up in another is told now."""
    into: dict[str, str] = {}
    unknown = stories
    for _ in range(_CHAIN):
        found = {
            hit["_source"]["story"]["id"]: hit["_source"]["story"]["merged_into"]
            for hit in _by_id("stories", unknown, ["story.id", "story.merged_into"], search)
            if hit["_source"]["story"].get("merged_into")
        }
        into.update(found)
        unknown = set(found.values()) - into.keys()
        if not unknown:
            break
    targets = {}
    for story in stories & into.keys():
        target = into[story]
        for _ in range(_CHAIN):
            target = into.get(target, target)
        targets[story] = target
    return targets


def _by_id(index: str, ids: set[str], fields: list[str], search: Search) -> Sequence[Mapping[str, Any]]:
    if not ids:
        return []
    return search(index, {"query": {"ids": {"values": sorted(ids)}}, "size": len(ids), "_source": fields})
