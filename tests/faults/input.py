"""The articles of a trial: invented reports whose stories are the same in whatever order they come.

Each story has words of its own, and its reports share most of them, so that what faults do to the order changes no
decision: a difference from the undisturbed run is a fault's doing.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache

from schemas.articles import RawArticle
from schemas.ids import article_id

REPORTS = 2
"""Of each story."""
_WATCHED_EVERY = 3
WATCHED_WORD = "howitzers"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_APART = timedelta(hours=2)
"""Between two articles. At one minute, stories that happen to come first were taken for one in 48 of 60 orders: the
clusterer knows little yet, and reports of one hour are of one event sooner than those of two days."""
_WORDS_OF_A_STORY = 60


@cache
def _vocabulary() -> list[str]:
    from wordfreq import top_n_list

    return [word for word in top_n_list("en", 20_000)[1_000:] if len(word) > 5 and word.isalpha() and word.isascii()]


def articles(count: int, seed: int, site: str = "trial.example") -> list[RawArticle]:
    """`count` articles of different addresses, those of a story one after the other."""
    chance = random.Random(seed)
    found: list[RawArticle] = []
    while len(found) < count:
        story = len(found) // REPORTS
        words = chance.sample(_vocabulary(), _WORDS_OF_A_STORY)
        for report in range(min(REPORTS, count - len(found))):
            url = f"https://{site}/{story}/{report}"
            watched = f" {WATCHED_WORD}" if story % _WATCHED_EVERY == 0 else ""
            when = _START + len(found) * _APART
            found.append(
                RawArticle(
                    id=article_id(url=url),
                    source=f"{report}.{site}",
                    url=url,
                    title=" ".join(words[:8]).capitalize() + watched,
                    text=" ".join(words).capitalize() + f", report {report} says.",
                    published=when,
                    collected=when,
                )
            )
    return found
