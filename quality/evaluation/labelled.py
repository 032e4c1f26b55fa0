"""Labelled articles (JSON Lines with gold fields) and how they run through the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runtime.errors import UserError
from schemas.articles import AnalyzedArticle, RawArticle
from schemas.codec import explain
from schemas.ids import article_id
from streams.stories import Clusterer

UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
"""When articles without a time were collected: all at once."""
SETTLE_EVERY = 2_000


@dataclass(frozen=True)
class Labelled:
    """An article and what is true of it."""

    id: str
    language: str
    story: str
    article: RawArticle


def read(path: Path, *, dated: bool = True) -> list[Labelled]:
    """Lines with `id, lang, story, title, text` and optionally `published`, in the order of time.

    `dated=False` leaves the times out, where they are known to be wrong.

    Raises:
        UserError: the file is not there, or a line is not what it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_labelled(json.loads(line), dated))
        except KeyError as error:
            raise UserError(f"{path}, line {number}: field {error} is missing") from error
        except ValidationError as error:
            raise UserError(f"{path}, line {number}: {explain(error)}") from error
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}") from error
    if not found:
        raise UserError(f"{path} holds no articles")
    # Sorting is stable: the order of the file where times are equal or absent.
    return sorted(found, key=lambda each: each.article.when)


def _labelled(fields: dict[str, Any], dated: bool) -> Labelled:
    published = fields.get("published") if dated else None
    article = RawArticle.model_validate(
        {
            "id": article_id(source="labelled", external_id=str(fields["id"])),
            "source": "labelled",
            "title": fields.get("title", ""),
            "text": fields.get("text", ""),
            "published": published,
            "collected": published or UNDATED.isoformat(),
        }
    )
    return Labelled(str(fields["id"]), str(fields["lang"]), str(fields["story"]), article)


def cluster(
    articles: Iterable[AnalyzedArticle], clusterer: Clusterer, *, settle: bool = True
) -> dict[str, tuple[str, str]]:
    """Story on arrival and story at the end of each article, by article id.

    With `settle`, the recent stories are looked at again every SETTLE_EVERY articles and at the end, as
    `polywire process` and the live clusterer do.
    """
    arrival: dict[str, str] = {}
    final: dict[str, str] = {}
    for count, article in enumerate(articles, start=1):
        arrival[article.id] = final[article.id] = clusterer.assign(article).story_id
        if settle and count % SETTLE_EVERY == 0:
            final.update(_settle(clusterer))
    if settle:
        final.update(_settle(clusterer))
    return {article: (arrival[article], final[article]) for article in final}


def _settle(clusterer: Clusterer) -> dict[str, str]:
    moved: dict[str, str] = {}
    for correction in clusterer.repairs():
        moved.update((a.article_id, a.story_id) for a in clusterer.correct(correction))
    return moved


def analyzed(
    labelled: Iterable[Labelled], analyze: Callable[[RawArticle], AnalyzedArticle]
) -> Iterator[AnalyzedArticle]:
    """The articles read by the pipeline; their gold language is not shown to it."""
    return (analyze(each.article) for each in labelled)
