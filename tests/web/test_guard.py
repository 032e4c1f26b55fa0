"""Who may write over HTTP: every route, every way to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

from consumers.index.reader import IndexReader
from consumers.web.app import make_app
from consumers.web.guard import Writers, is_loopback
from consumers.web.live import Hub
from producers.push import make_router
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings
from tests.producers.sites import KeptArticles

HERE = "http://127.0.0.1:8080"
GOOD = {"title": "A title", "source": "s"}
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"},
    {"Origin": "null"}, {"Origin": "http://127.0.0.1:81"},
]  # fmt: skip
BY_PROXY = [
    {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"},
    {"X-Real-IP": "203.0.113.7"}, {"Via": "1.1 proxy"}, {"Host": "news.example"},
    {"CF-Connecting-IP": "203.0.113.7"}, {"True-Client-IP": "203.0.113.7"}, {"X-Client-IP": "127.0.0.1"},
]  # fmt: skip


@pytest.fixture
def kept() -> KeptArticles:
    return KeptArticles()


def app_for(kept: KeptArticles, writers: Writers) -> FastAPI:
    """The whole application, as `polywire web` puts it together; nothing here asks Elasticsearch."""
    reader = IndexReader(make_client(Settings(elasticsearch_url="http://127.0.0.1:9")), "x", missing_is_empty=True)
    return make_app(reader, Hub(), StageHealth("web"), writers=writers, routers=[make_router(kept)])


@asynccontextmanager
async def asking(app: FastAPI, peer: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 5)), base_url=HERE) as client:
        yield client


def writing(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of each route that does more than read. A kind of route that is new here has to be thought of."""
    for route in routes:
        if isinstance(route, Mount):
            assert route.path == "/static"
            continue
        if included := getattr(route, "original_router", None):
            yield from writing(included.routes)
            continue
        assert isinstance(route, APIRoute | Route), f"{route!r}: is it guarded?"
        for method in (route.methods or {"POST"}) - {"GET", "HEAD"}:
            yield method, route.path.replace("{", "").replace("}", "")


async def test_every_route_that_writes_is_behind_the_guard(kept: KeptArticles) -> None:
    app = app_for(kept, Writers(admin="sesame", local=True))
    found = list(writing(app.routes))
    assert ("POST", "/articles") in found
    async with asking(app) as client:
        for method, path in found:
            answer = await client.request(method, path, json=GOOD)
            assert answer.status_code == 401, f"{method} {path} asks for no token"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["x-content-type-options"] == "nosniff"
    assert kept.articles == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "SEARCH"])
async def test_a_route_that_somebody_adds_is_guarded_without_their_doing(kept: KeptArticles, method: str) -> None:
    app = app_for(kept, Writers(admin="sesame"))
    written: list[str] = []
    app.add_api_route("/new", lambda: written.append("x"), methods=[method])
    async with asking(app) as client:
        assert (await client.request(method, "/new")).status_code == 401
        assert written == []
        answer = await client.request(method.upper(), "/new", headers={"Authorization": "Bearer sesame"})
    assert answer.status_code == 200
    assert written == ["x"]


async def test_a_right_token_opens_from_anywhere_and_no_other_does(kept: KeptArticles) -> None:
    wrong = ["", "sesame", "Bearer", "Bearer ", "Bearer sesam", "Bearer sesame2", "Basic sesame", "Bearer sésame"]
    async with asking(app_for(kept, Writers(admin="sesame")), peer="203.0.113.7") as client:
        for given in wrong:
            headers = {"Authorization": given.encode("latin-1")}
            assert (await client.post("/articles", json=GOOD, headers=headers)).status_code == 401, given
        assert (await client.post("/articles", json=GOOD)).status_code == 401
        assert kept.articles == []
        for extra in ({}, *FOREIGN, *BY_PROXY):
            headers = {"Authorization": "bearer sesame", **extra}
            assert (await client.post("/articles", json=GOOD, headers=headers)).status_code == 202


async def test_the_token_for_pushing_pushes_and_does_nothing_else(kept: KeptArticles) -> None:
    app = app_for(kept, Writers(admin="sesame", push="letterbox", local=True))
    app.add_api_route("/new", lambda: None, methods=["POST"])
    async with asking(app) as client:
        for token, pushed, written in (("letterbox", 202, 401), ("sesame", 202, 200), ("other", 401, 401)):
            headers = {"Authorization": f"Bearer {token}"}
            assert (await client.post("/articles", json=GOOD, headers=headers)).status_code == pushed
            assert (await client.post("/new", headers=headers)).status_code == written
            assert (await client.post("/articles/../new", headers=headers)).status_code == written


async def test_with_only_the_token_for_pushing_other_writing_is_for_this_machine(kept: KeptArticles) -> None:
    app = app_for(kept, Writers(push="letterbox", local=True))
    app.add_api_route("/new", lambda: None, methods=["POST"])
    async with asking(app) as client:
        assert (await client.post("/articles", json=GOOD)).status_code == 401
        assert (await client.post("/new")).status_code == 200
    async with asking(app, peer="203.0.113.7") as client:
        assert (await client.post("/new", headers={"Authorization": "Bearer letterbox"})).status_code == 403


async def test_without_a_token_this_machine_writes(kept: KeptArticles) -> None:
    app = app_for(kept, Writers(local=True))
    for peer in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"):
        async with asking(app, peer) as client:
            own = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}
            assert (await client.post("/articles", json=GOOD, headers=own)).status_code == 202
            for name in ("localhost:8080", "[::1]:8080"):
                assert (await client.post("/articles", json=GOOD, headers={"Host": name})).status_code == 202


@pytest.mark.parametrize("headers", [*FOREIGN, *BY_PROXY])
async def test_without_a_token_neither_pages_of_other_sites_nor_proxies_write(
    kept: KeptArticles, headers: dict[str, str]
) -> None:
    async with asking(app_for(kept, Writers(local=True))) as client:
        assert (await client.post("/articles", json=GOOD, headers=headers)).status_code == 403
        assert (await client.get("/docs", headers=headers)).status_code == 200, "reading is free"
    assert kept.articles == []


@pytest.mark.parametrize(("local", "peer"), [(False, "127.0.0.1"), (True, "192.168.1.7"), (True, "::ffff:10.0.0.1")])
async def test_without_a_token_other_machines_do_not_write(kept: KeptArticles, local: bool, peer: str) -> None:
    async with asking(app_for(kept, Writers(local=local)), peer) as client:
        answer = await client.post("/articles", json=GOOD)
    assert answer.status_code == 403
    assert "POLYWIRE_ADMIN_TOKEN" in answer.json()["detail"]
    assert kept.articles == []


def test_writers_follow_the_settings() -> None:
    assert Writers.of(Settings(), "127.0.0.1") == Writers(local=True)
    assert Writers.of(Settings(), "0.0.0.0") == Writers()
    given = Settings.model_validate({"admin_token": "a", "push_token": "p"})
    assert Writers.of(given, "::") == Writers("a", "p")
    empty = Settings.model_validate({"admin_token": "", "push_token": " "})
    assert Writers.of(empty, "::") == Writers(), "an empty token is none"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("[::1]", True), ("127.0.0.2", True), ("127.evil.example", False), ("0.0.0.0", False),
     ("", False), ("::", False), ("10.0.0.1", False), ("localhost.evil.example", False)],
)  # fmt: skip
def test_what_is_this_machine_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
