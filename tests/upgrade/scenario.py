"""The articles that a release is given before it is kept, and those that its successor gets afterwards.

The stories of `seeds/`, of which some parts are held back: what comes late has an old story to join.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from schemas.articles import RawArticle
from schemas.ids import article_id

_SEEDS = Path(__file__).parents[2] / "seeds"
_FORGOTTEN = ("ukraine-kazakhstan-arms-market", "kazakhstan-russia-nato")
_FED = "chennai-flood"
_HELD_BACK = (("peru-gripen-lease", "en"), ("moldova-iris-t", "uk"), ("crete-earthquake", "it"), ("vietnam-k9", "vi"))
_IN_THE_MIDDLE = ("azerbaijan-m346-blocked", "serbia-sudan-denial")


def _seeds() -> list[dict[str, Any]]:
    lines = [(_SEEDS / f"{name}.jsonl").read_text("utf-8").splitlines() for name in ("documents", "sample")]
    return [json.loads(line) for each in lines for line in each]


def _raw(seed: dict[str, Any], suffix: str = "", text: str | None = None) -> RawArticle:
    """As it is sent by POST /articles, where its id comes from its address. `suffix`: of another address."""
    url = (seed.get("url") or f"https://kept.example/{seed['id']}") + suffix
    return RawArticle(
        id=article_id(url=url),
        source=seed["source"],
        url=url,
        title=seed["title"],
        text=text or seed["text"],
        published=seed["published"],
        collected=seed["published"],
    )


def _of(*stories: str) -> list[dict[str, Any]]:
    return [seed for seed in _seeds() if seed["story"] in stories]


def _is_held_back(seed: dict[str, Any]) -> bool:
    return (seed["story"], seed.get("lang")) in _HELD_BACK


def forgotten() -> list[RawArticle]:
    """Told so long before the rest that the clusterer has forgotten them when it has seen the rest."""
    return [_raw(seed) for seed in _of(*_FORGOTTEN)]


def fed() -> list[RawArticle]:
    """In the feed from the beginning."""
    return [_raw(seed) for seed in _of(_FED)[:-1]]


def fed_later() -> RawArticle:
    """In the feed only when the successor polls it."""
    return _raw(_of(_FED)[-1])


def pushed() -> list[RawArticle]:
    """The rest of the seeds, one text under two addresses among them."""
    apart = {*_FORGOTTEN, _FED, *_IN_THE_MIDDLE}
    seeds = [seed for seed in _seeds() if seed["story"] not in apart and not _is_held_back(seed)]
    return [*map(_raw, seeds), _raw(seeds[0], suffix="?again")]


def revised() -> RawArticle:
    """The first of `pushed`, with another text."""
    seed = next(seed for seed in _seeds() if seed["story"] not in {*_FORGOTTEN, _FED})
    return _raw(seed, text=seed["text"] + "\n\nA correction was added to this report.")


def in_the_middle() -> list[RawArticle]:
    """Pushed one by one while the stages end; two stories that were not known before."""
    return [_raw(seed) for seed in _of(*_IN_THE_MIDDLE)]


def late() -> list[tuple[RawArticle, str]]:
    """For the successor: further reports of old stories, each with the id of an article that is there already."""
    seeds = _seeds()
    pairs = []
    for seed in filter(_is_held_back, seeds):
        first = next(other for other in seeds if other["story"] == seed["story"] and not _is_held_back(other))
        pairs.append((_raw(seed), _raw(first).id))
    return pairs


def forgotten_again() -> tuple[RawArticle, str]:
    """For the successor: the text of a forgotten story under another address, an hour later, and an id of the story."""
    seed = _of(_FORGOTTEN[0])[0]
    article = _raw(seed, suffix="-again")
    return article.model_copy(update={"published": article.when + timedelta(hours=1)}), _raw(seed).id


def body(article: RawArticle) -> dict[str, Any]:
    """For POST /articles."""
    return article.model_dump(mode="json", include={"url", "source", "title", "text", "published"}, exclude_none=True)
