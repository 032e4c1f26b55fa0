"""`POST /articles`: articles pushed over HTTP. A router for FastAPI, to be mounted in whatever app serves it.

One article or many; each is answered for. What was accepted is in Kafka, acknowledged by all replicas, before the
answer goes out. Sending the same again is harmless: an article's id comes from its URL, or from its source and id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from producers.publisher import NotAcknowledged, Publisher, TooLarge
from producers.reading import InvalidArticle, article_from_fields, parse_json, unknown_fields
from runtime.logs import get_logger
from schemas.articles import RawArticle

log = get_logger(__name__)

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one request: some thousands of articles, or a few of the longest."""
RETRY_AFTER = 5
"""Seconds we ask a client to wait while Kafka is away."""
BODIES = 8 * MAX_BODY
"""Bytes of all requests together that are held in memory."""
AT_ONCE = 16
"""Requests in work at the same time, once their bodies are there; others wait for their turn, up to `TURN` seconds."""
TURN = 10.0
BODY_TIME = 60.0
"""Seconds for a request's body. Who sends a byte a second takes no turn from others, and no memory to speak of."""
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
DEFAULT_SOURCE = "push"
"""Source of articles that name neither a source nor a URL."""


class PushedArticle(BaseModel):
    """An article to push: a title or a text at least."""

    title: str | None = None
    text: str | None = None
    id: str | int | None = Field(default=None, description="Your own id. Without url, it makes the article's identity.")
    url: str | None = None
    source: str | None = Field(default=None, description="Who published it. Default: the host of the url.")
    published: datetime | None = Field(default=None, description="ISO 8601.")
    language: str | None = Field(default=None, description="A hint; the text decides.")
    meta: dict[str, Any] | None = None


class PushResult(BaseModel):
    """What became of one article."""

    index: int = Field(description="Its place in the request, from 0.")
    status: Literal["accepted", "rejected", "unavailable"]
    id: str | None = Field(default=None, description="The article's id here, the same for the same article.")
    given_id: str | int | None = Field(default=None, description="The `id` it came with.")
    reason: str | None = None
    ignored: list[str] | None = Field(default=None, description="Its fields that have no meaning here: misspelled?")


class PushAnswer(BaseModel):
    """The answer to `POST /articles`."""

    accepted: int
    rejected: int
    ids: list[str] = Field(description="Of the accepted articles, in order.")
    articles: list[PushResult]


class _Memory:
    """What requests hold of `BODIES` together."""

    def __init__(self) -> None:
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Gives a function that takes so many bytes more; all of them are given back at the end.

        Raises:
            HTTPException: 503, from that function: there are no more.
        """
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self.held + size > BODIES:
                raise HTTPException(503, "too many large requests at once", {"Retry-After": str(RETRY_AFTER)})
            self.held += size
            mine += size

        try:
            yield take
        finally:
            self.held -= mine


@dataclass(frozen=True)
class _Item:
    result: PushResult
    article: RawArticle | None


def make_router(publisher: Publisher) -> APIRouter:
    """The router. Who may use it is for the app that serves it to say.

    Args:
        publisher: its time-out bounds how long a request waits for Kafka.
    """
    router = APIRouter(tags=["articles in"])
    turns, memory = asyncio.Semaphore(AT_ONCE), _Memory()
    threads = CapacityLimiter(AT_ONCE)

    @router.post(
        "/articles",
        status_code=202,
        summary="Push one article or many",
        responses={
            202: {"model": PushAnswer, "description": "All accepted: Kafka has acknowledged them."},
            207: {"model": PushAnswer, "description": "Many given: some accepted, some rejected. See `articles`."},
            401: {"description": "The token is missing or wrong."},
            403: {"description": "Without a token: sent by a web page of another site, or from another machine."},
            408: {"description": "The body came too slowly."},
            415: {"description": "Neither `application/json` nor `application/x-ndjson`."},
            413: {"description": f"More than {MAX_BODY} bytes, or one article too large for the topic."},
            422: {"model": PushAnswer, "description": "Nothing accepted: no article is valid."},
            503: {"model": PushAnswer, "description": "Kafka is away. Send the same again after `Retry-After`."},
        },
        openapi_extra={"requestBody": _request_body()},
    )
    async def push_articles(request: Request) -> JSONResponse:
        """One article as a JSON object; many as a list, as `{"articles": [...]}`, or as JSON Lines
        (`application/x-ndjson`). An article needs a title or a text."""
        as_lines = _says_lines(request)
        with memory.share() as take:
            body = await _read_body(request, take)
            try:
                async with asyncio.timeout(TURN):
                    await turns.acquire()
            except TimeoutError as error:
                raise HTTPException(503, "too many requests are waiting", {"Retry-After": str(RETRY_AFTER)}) from error
            try:
                collected = datetime.now(UTC)
                items = await run_sync(_read_items, body, as_lines, collected, limiter=threads)
                return await run_sync(_accept, items, publisher, limiter=threads)
            finally:
                turns.release()

    return router


def _request_body() -> dict[str, Any]:
    one = PushedArticle.model_json_schema()
    many = {"type": "array", "items": one}
    wrapped = {"type": "object", "required": ["articles"], "properties": {"articles": many}}
    return {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [one, many, wrapped]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "A JSON object a line."}},
        },
    }


async def _read_body(request: Request, take: Callable[[int], None]) -> bytes:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "send the body without compression")
    too_large = HTTPException(413, f"more than {MAX_BODY} bytes; send it in parts")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIME):
            async for chunk in request.stream():
                if len(body) + len(chunk) > MAX_BODY:
                    raise too_large
                take(len(chunk))
                body += chunk
    except TimeoutError as error:
        raise HTTPException(408, f"the body took longer than {BODY_TIME:.0f} s") from error
    return bytes(body)


def _says_lines(request: Request) -> bool:
    """Whether the body is JSON Lines, else it is JSON.

    Raises:
        HTTPException: 415, it says neither. A page of any site can have a browser send what is not said to be JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _LINES:
        return True
    if kind == "application/json":
        return False
    given = f"not {kind}" if kind else "there is none"
    raise HTTPException(
        415, f"send the header Content-Type: application/json, or application/x-ndjson for JSON Lines ({given})"
    )


def _read_items(body: bytes, as_lines: bool, collected: datetime) -> list[_Item]:
    """Every article of the request.

    Raises:
        HTTPException: 422, the body as a whole cannot be read.
    """
    given: list[object] = []
    if as_lines:
        for line in body.split(b"\n"):
            if line.strip():
                try:
                    given.append(parse_json(line))
                except InvalidArticle as error:
                    given.append(error)
    else:
        try:
            fields = parse_json(body)
        except InvalidArticle as error:
            raise HTTPException(422, str(error)) from error
        if isinstance(fields, dict) and "articles" in fields:
            fields = fields["articles"]
            if not isinstance(fields, list):
                raise HTTPException(422, f"articles: a list, not {type(fields).__name__}")
        given = fields if isinstance(fields, list) else [fields]
    if not given:
        raise HTTPException(422, "no article in the request")
    return [_read_item(index, fields, collected) for index, fields in enumerate(given)]


def _read_item(index: int, fields: object, collected: datetime) -> _Item:
    given_id = None
    try:
        if isinstance(fields, InvalidArticle):
            raise fields
        if isinstance(fields, dict) and type(fields.get("id")) in {str, int}:
            given_id = fields["id"]
        article = article_from_fields(fields, default_source=DEFAULT_SOURCE, collected=collected)
    except InvalidArticle as error:
        return _Item(PushResult(index=index, status="rejected", given_id=given_id, reason=str(error)), None)
    ignored = list(unknown_fields(fields)) if isinstance(fields, dict) else []
    return _Item(
        PushResult(index=index, status="accepted", given_id=given_id, id=article.id, ignored=ignored or None), article
    )


def _accept(items: list[_Item], publisher: Publisher) -> JSONResponse:
    """Publish the valid ones, and say of each what became of it."""
    valid = [item.article for item in items if item.article is not None]
    failed: dict[str, str] = {}
    failure = "unavailable"
    try:
        if valid:
            publisher.publish(valid)
    except TooLarge as error:
        failed, failure = error.failed, "rejected"
    except NotAcknowledged as error:
        failed = error.failed
        log.warning("kafka away", articles=len(failed), reason=str(error))
    results = [
        item.result.model_copy(update={"status": failure, "reason": failed[item.result.id]})
        if item.result.id in failed
        else item.result
        for item in items
    ]
    answer = PushAnswer(
        accepted=sum(result.status == "accepted" for result in results),
        rejected=sum(result.status == "rejected" for result in results),
        ids=[result.id for result in results if result.status == "accepted" and result.id is not None],
        articles=results,
    )
    if failed and failure == "unavailable":
        return _answer(503, answer, {"Retry-After": str(RETRY_AFTER)})
    if failed and answer.accepted == 0 and len(items) == 1:
        return _answer(413, answer)
    if answer.rejected == 0:
        return _answer(202, answer)
    return _answer(207 if answer.accepted else 422, answer)


def _answer(status: int, answer: PushAnswer, headers: dict[str, str] | None = None) -> JSONResponse:
    content = answer.model_dump(exclude_none=True)
    if status == 422 and len(answer.articles) == 1:
        content["detail"] = answer.articles[0].reason
    return JSONResponse(content, status, headers)
