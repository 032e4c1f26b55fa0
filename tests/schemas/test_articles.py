"""An article's place in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.articles import RawArticle

COLLECTED = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("published", "when"),
    [
        (None, COLLECTED),
        (COLLECTED - timedelta(days=900), COLLECTED - timedelta(days=900)),
        (COLLECTED + timedelta(hours=14), COLLECTED + timedelta(hours=14)),
        (COLLECTED + timedelta(days=1, seconds=1), COLLECTED),
        (datetime(2199, 1, 1, tzinfo=UTC), COLLECTED),
    ],
)
def test_a_date_of_publication_that_cannot_be_is_kept_and_not_believed(
    published: datetime | None, when: datetime
) -> None:
    article = RawArticle(id="article-1", source="s", title="t", published=published, collected=COLLECTED)
    assert article.when == when
    assert article.published == published
