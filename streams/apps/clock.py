"""Articles from the future: the one check for which a stage looks at its clock."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.articles import MAX_AHEAD, RawArticle
from schemas.codec import InvalidMessage


def refuse_the_future(article: RawArticle) -> None:
    """Refuse an article that says it was collected later than the clock can explain.

    A few of them would take the clusterer's own clock along, and every story would count as silent and be forgotten.
    A day later the same message, put back from the dead letters, may be as good as any.

    Raises:
        InvalidMessage: `collected` is more than `MAX_AHEAD` ahead of this machine's clock.
    """
    if article.collected - datetime.now(UTC) > MAX_AHEAD:
        raise InvalidMessage(
            f"collected: {article.collected.isoformat()} is in the future; is the producer's clock right?"
        )
