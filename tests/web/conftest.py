"""The web application over a real index with a few stories in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from consumers.web.app import make_app
from consumers.web.guard import Writers
from consumers.web.library import Library
from consumers.web.live import Hub
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings
from tests.web.newsroom import fill


@pytest.fixture(scope="session")
def library(engine: Settings) -> Iterator[Library]:
    es = make_client(engine)
    fill(es, "webtest")
    yield Library(es, "webtest")
    es.close()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def client(library: Library, hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(library, hub, StageHealth("web"), writers=Writers())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://polywire.example") as client:
        yield client
