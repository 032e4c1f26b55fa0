"""The same as the pages, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from consumers.index.reader import MARK_END, MARK_START, IndexReader
from consumers.query.parse import QueryError
from consumers.web.views import story_json
from schemas.alerts import Alert

Limit = Annotated[int, Query(ge=1, le=200)]


def make_api(reader: IndexReader) -> APIRouter:
    """Routes under `/api`. All answers are JSON; times are ISO 8601 in UTC."""
    router = APIRouter(prefix="/api", tags=["reading"])

    @router.get("/stories", summary="Stories, the newest first")
    def stories(
        limit: Limit = 50,
        after: Annotated[str | None, Query(description="The `older` of the answer before.")] = None,
        deals: Annotated[bool, Query(description="Only stories with an arms deal.")] = False,
        language: Annotated[str | None, Query(description="Only stories told in this language (ISO 639-1).")] = None,
    ) -> dict[str, Any]:
        page = reader.stories(limit=limit, after=after, deals_only=deals, language=language)
        return {"stories": [story_json(story) for story in page.stories], "older": page.older}

    @router.get(
        "/stories/{story_id}",
        summary="A story with its articles in full",
        responses={404: {"description": "None such."}},
    )
    def story(story_id: str) -> dict[str, Any]:
        found = reader.story(story_id)
        if found is None:
            raise HTTPException(404, "there is no such story")
        return {"story": story_json(found), "variants": [asdict(variant) for variant in reader.variants(story_id)]}

    @router.get(
        "/search",
        summary="Stories whose articles match a query",
        responses={400: {"description": "The query cannot be used; `detail` says why."}},
    )
    def search(
        q: Annotated[str, Query(description="Lucene query syntax, for example `weapon:S-300 AND language:ar`.")],
        limit: Limit = 50,
    ) -> dict[str, Any]:
        try:
            result = reader.search(q, limit=limit)
        except QueryError as error:
            raise HTTPException(400, str(error)) from error
        return {
            "total": result.total,
            "stories": [
                {
                    "id": story.id,
                    "title": story.title,
                    "languages": story.languages,
                    "article_count": story.article_count,
                    "page": f"/stories/{story.id}",
                    "articles": [
                        {
                            "id": found.variant.id,
                            "title": found.variant.title,
                            "language": found.variant.language,
                            "source": found.variant.source,
                            "url": found.variant.url,
                            "when": found.variant.when,
                            "snippet": found.snippet.replace(MARK_START, "").replace(MARK_END, ""),
                        }
                        for found in story.articles
                    ],
                }
                for story in result.stories
            ],
        }

    @router.get("/alerts", summary="Alerts as they stand, the newest first")
    def alerts(limit: Limit = 50) -> dict[str, list[Alert]]:
        return {"alerts": reader.alerts(limit=limit)}

    return router
