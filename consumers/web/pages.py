"""The pages, and the stream of events that keeps them up to date."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from consumers.index.reader import IndexReader
from consumers.query.fields import FIELDS
from consumers.query.parse import QueryError
from consumers.web.live import Hub
from consumers.web.rendering import render, render_event
from schemas.stories import Story

PAGE = 40
"""Stories on a page."""
_RECENT_ALERTS = 12
_FOUND = 50
_RECONNECT_MS = 2_000
_PING = 15


def make_pages(reader: IndexReader, hub: Hub) -> APIRouter:
    """The pages of the web site."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/")
    def stories(
        after: str | None = None, deals: bool = False, language: Annotated[str | None, Query(max_length=16)] = None
    ) -> str:
        page = reader.stories(limit=PAGE, after=after, deals_only=deals, language=language)
        alerts = reader.alerts(limit=_RECENT_ALERTS)
        # Older pages and other languages do not change under the reader's eyes.
        live = after is None and language is None
        return render(
            "stories.html",
            here="stories",
            page=page,
            alerts=alerts,
            deals=deals,
            language=language,
            after=after,
            live=live,
        )

    @router.get("/stories/{story_id}", response_model=None)
    def story(story_id: str) -> Response:
        found = reader.story(story_id)
        if found is None:
            return HTMLResponse(render("message.html", here="", heading="No such story", text=_NO_STORY), 404)
        if found.merged_into:
            return RedirectResponse(f"/stories/{found.merged_into}", 303)
        variants = reader.variants(story_id)
        alerts = reader.alerts(limit=5, story_id=story_id)
        return HTMLResponse(render("story.html", here="", story=found, variants=variants, alerts=alerts))

    @router.get("/search", response_model=None)
    def search(q: Annotated[str, Query(max_length=4_000)] = "") -> Response:
        result, problem = None, None
        if q.strip():
            try:
                result = reader.search(q, limit=_FOUND)
            except QueryError as error:
                problem = str(error)
        page = render("search.html", here="search", q=q, result=result, problem=problem, fields=list(FIELDS))
        return HTMLResponse(page, 400 if problem else 200)

    @router.get("/alerts")
    def alerts() -> str:
        return render("alerts.html", here="alerts", alerts=reader.alerts(limit=100))

    @router.get("/events", response_class=EventSourceResponse)
    async def events(
        last_event_id: Annotated[str | None, Header(max_length=64)] = None, html: bool = False
    ) -> EventSourceResponse:
        """Stories and alerts as they change. With `html`, each as the pages show it; without, as the bus has it."""
        return EventSourceResponse(_events(hub, last_event_id, html), ping=_PING)

    return router


_NO_STORY = "It may not have been indexed yet, or it never was. Stories appear here seconds after their first article."


async def _events(hub: Hub, last_event_id: str | None, html: bool) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(comment="hello", retry=_RECONNECT_MS)
    async for told in hub.listen(last_event_id):
        if told.event is None:
            yield ServerSentEvent("{}", event="reload", id=told.id)
            continue
        message = told.event.message
        data: dict[str, Any] = {"id": message.id}
        if not html:
            data = message.model_dump(mode="json")
        elif isinstance(message, Story):
            gone = message.merged_into is not None or message.article_count == 0
            data |= {"html": "" if gone else render_event(told.event), "deal": message.arms_deal}
            data |= {"when": message.last_seen.isoformat()}
        else:
            data |= {"html": render_event(told.event), "kind": message.kind, "title": message.title}
        yield ServerSentEvent(json.dumps(data, ensure_ascii=False), event=told.event.kind, id=told.id)


def make_docs(app: FastAPI) -> APIRouter:
    """A page that describes the HTTP interface, from the same description that /openapi.json gives to programs."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/docs")
    def docs() -> str:
        described = app.openapi()
        operations = [
            {"path": path, "method": method.upper(), **operation}
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ]
        return render("docs.html", here="docs", info=described["info"], operations=operations)

    return router
