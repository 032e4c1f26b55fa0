"""The web application, put together. What it needs is handed in: it starts nothing and connects to nothing itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib import resources
from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from consumers.index.reader import IndexAway, IndexReader
from consumers.web.api import make_api
from consumers.web.guard import WriteGuard, Writers, is_loopback
from consumers.web.headers import SecurityHeaders
from consumers.web.live import Hub
from consumers.web.pages import make_docs, make_pages
from consumers.web.rendering import render
from runtime.health import StageHealth
from runtime.logs import get_logger

log = get_logger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
_KEEP_FOR_EVER = "public, max-age=31536000, immutable"


def make_app(
    reader: IndexReader,
    hub: Hub,
    health: StageHealth,
    *,
    writers: Writers,
    routers: Sequence[APIRouter] = (),
    names: Sequence[str] = ("*",),
) -> FastAPI:
    """The application.

    Args:
        writers: who may write; every route that is not a reading one is behind it.
        routers: more routes to serve, the one for pushing articles for example.
        names: host names that it answers to.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        health.ready()
        yield
        hub.close()

    app = FastAPI(
        title="polywire",
        version=version("polywire"),
        description="One story, every language, one alert.",
        docs_url=None,  # they fetch scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(WriteGuard, writers=writers)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(names), www_redirect=False)
    app.include_router(make_pages(reader, hub))
    app.include_router(make_docs(app))
    app.include_router(make_api(reader))
    for router in routers:
        app.include_router(router)
    app.include_router(_make_health(health))
    app.mount("/static", _Static(directory=str(resources.files("consumers.web") / "static")))
    _explain_errors(app, health)
    return app


def names_of(host: str, names: Sequence[str]) -> Sequence[str]:
    """The names to answer to: those that are set, else, for a page served to this machine alone, this machine's.

    A page on the web can give its own name our address (DNS rebinding) and have a browser here read what we serve and
    push articles; the name that the browser then asks for is not one of ours.
    """
    if names:
        return names
    return LOOPBACK if is_loopback(host) else ("*",)


class _Static(StaticFiles):
    """Static files under addresses that change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and scope["query_string"]:
            response.headers["Cache-Control"] = _KEEP_FOR_EVER
        return response


def _make_health(health: StageHealth) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Whether this process is alive; 503 when it is not")
    async def healthz() -> JSONResponse:
        report = health.report()
        return JSONResponse(asdict(report), 200 if report.alive else 503)

    @router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(generate_latest(health.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _explain_errors(app: FastAPI, health: StageHealth) -> None:
    """Errors as pages for people and as JSON for programs."""

    def answer(
        request: Request, status: int, heading: str, text: str, headers: dict[str, str] | None = None
    ) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(render("message.html", here="", heading=heading, text=text), status, headers)
        return JSONResponse({"detail": text}, status, headers)

    @app.exception_handler(IndexAway)
    async def library_away(request: Request, error: IndexAway) -> Response:
        health.retrying(error)
        log.warning("elasticsearch away", path=request.url.path, reason=str(error))
        text = "Elasticsearch does not answer. New stories still arrive; reading them has to wait a moment."
        return answer(request, 503, "The index is away", text, {"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        heading = "There is no such page" if error.status_code == 404 else "That did not work"
        headers = dict(error.headers) if error.headers else None
        return answer(request, error.status_code, heading, str(error.detail), headers)

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, error: RequestValidationError) -> Response:
        text = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return answer(request, 422, "The address is not right", text)
