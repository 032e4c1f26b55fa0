"""What the commands that repair stories tell the clusterer."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from polywire.commands.reading import producer
from runtime.bus.clients import publish
from runtime.settings import Settings
from schemas.articles import ClusteredArticle
from schemas.stories import Story, StoryCorrection
from schemas.topics import CORRECTIONS

if TYPE_CHECKING:
    from consumers.index.reader import IndexReader

_ACKNOWLEDGE_SECONDS = 30.0
_MAY_BE_FORGOTTEN = timedelta(days=7)
"""Half of the time after which the clusterer forgets a silent story: its clock is the stream's, not ours."""
_MEMBERS = 200
"""Articles of a story that the clusterer remembers."""
_AT_ONCE = 50
"""Articles in one message: an article takes 10 to 20 kB, and a message may have 16 MB."""


def correction(
    kind: Literal["merge", "split", "recall"],
    story_id: str,
    other_story_id: str,
    reason: str,
    by: str | None,
    *,
    article_ids: Sequence[str] = (),
    articles: Sequence[ClusteredArticle] = (),
) -> StoryCorrection:
    """A correction by an operator, now. `by`: the name; that of the login where it is left out."""
    at = datetime.now(UTC)
    what = [kind, story_id, other_story_id, at.isoformat(), *article_ids, *(article.id for article in articles)]
    return StoryCorrection(
        id="c" + hashlib.blake2b("\x1f".join(what).encode(), digest_size=12).hexdigest(),
        kind=kind,
        story_id=story_id,
        other_story_id=other_story_id,
        article_ids=list(article_ids),
        articles=list(articles),
        by=f"operator:{by or getpass.getuser()}",
        reason=reason,
        at=at,
    )


def send(settings: Settings, corrections: Sequence[StoryCorrection]) -> None:
    """In order, each acknowledged."""
    with producer(settings) as one:
        for each in corrections:
            publish(one, CORRECTIONS, each.story_id, each).get(_ACKNOWLEDGE_SECONDS)


def recalls(index: IndexReader, story_id: str, reason: str, by: str | None) -> list[StoryCorrection]:
    """What brings the newest articles of a story back to the clusterer; those that it remembers it passes over."""
    articles = index.newest_articles(story_id, size=_MEMBERS)
    pieces = [articles[first : first + _AT_ONCE] for first in range(0, len(articles), _AT_ONCE)]
    return [correction("recall", story_id, story_id, reason, by, articles=piece) for piece in pieces]


def may_be_forgotten(story: Story) -> bool:
    """Whether it was silent for so long that the clusterer may have forgotten it."""
    return datetime.now(UTC) - story.last_seen > _MAY_BE_FORGOTTEN
