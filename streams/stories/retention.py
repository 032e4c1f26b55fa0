"""Which articles leave memory, and which a second look takes in."""

from __future__ import annotations

from collections.abc import Iterable

from streams.stories.remembered import Remembered
from streams.stories.story import Story


def silent(stories: Iterable[Story], limit: int, surplus: int, keep: str | None) -> list[Remembered]:
    """The articles of stories without a new one since `limit` (the stream's clock, ms).

    And, as long as fewer than `surplus` articles would go, those of the stories silent longest. The story of the
    article `keep` stays.
    """
    old = [story for story in stories if story.seen < limit or surplus > 0]
    gone: list[Remembered] = []
    for story in sorted(old, key=lambda story: (story.seen, story.id)):
        if story.seen >= limit and len(gone) >= surplus:
            break
        if keep not in story.members:
            gone.extend(story.members.values())
    return gone


def recent(stories: Iterable[Story], limit: int, most: int) -> list[Remembered]:
    """The articles of the stories with a new one since `limit`, newest stories first, whole stories only.

    At most `most` articles, in the order of arrival.
    """
    taken: list[Remembered] = []
    for story in sorted(stories, key=lambda s: (-s.seen, s.id)):
        if story.seen < limit or len(taken) + story.size > most:
            break
        taken.extend(story.members.values())
    return sorted(taken, key=lambda record: record.sequence)
