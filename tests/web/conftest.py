"""The web application over a real index with a few stories in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from consumers.index.reader import IndexReader
from consumers.web.app import make_app
from consumers.web.guard import Writers
from consumers.web.live import Hub
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings
from tests.web.newsroom import fill


@pytest.fixture(scope="session")
def reader(engine: Settings) -> Iterator[IndexReader]:
    es = make_client(engine)
    fill(es, "webtest")
    yield IndexReader(es, "webtest", missing_is_empty=True)
    es.close()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def client(reader: IndexReader, hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(reader, hub, StageHealth("web"), writers=Writers())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://polywire.example") as client:
        yield client
