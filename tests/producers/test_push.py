"""What `POST /articles` answers, for one article and for many."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from producers import push
from producers.publisher import NotAcknowledged, TooLarge
from producers.push import make_router
from schemas.articles import MAX_META
from schemas.ids import article_id
from tests.producers.sites import KeptArticles

JSON = {"Content-Type": "application/json"}
GOOD = {"id": "a1", "title": "A title", "text": "A text", "source": "s"}
BAD = {"id": "b1", "title": 7}


@pytest.fixture
async def client(kept: KeptArticles) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(make_router(kept))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://polywire.example") as client:
        yield client


async def test_one(client: httpx.AsyncClient, kept: KeptArticles) -> None:
    answer = await client.post("/articles", json=GOOD)
    assert answer.status_code == 202
    id_ = article_id(source="s", external_id="a1")
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "ids": [id_],
        "articles": [{"index": 0, "status": "accepted", "id": id_, "given_id": "a1"}],
    }
    assert [article.id for article in kept.articles] == [id_]


async def test_too_much_meta_is_refused_with_the_reason(client: httpx.AsyncClient, kept: KeptArticles) -> None:
    full = {"x": "y" * (MAX_META - len('{"x":""}'))}
    assert (await client.post("/articles", json={**GOOD, "meta": full})).status_code == 202
    answer = await client.post("/articles", json={**GOOD, "meta": {"x": full["x"] + "y"}})
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"meta: more than {MAX_META} bytes as JSON"
    assert len(kept.articles) == 1


async def test_fields_by_other_names_are_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/articles", json=[{**GOOD, "published_at": "2026-01-01", "author": "x"}, GOOD])
    assert [result.get("ignored") for result in answer.json()["articles"]] == [["published_at", "author"], None]


@pytest.mark.parametrize("wrap", [lambda many: many, lambda many: {"articles": many}])
async def test_many(client: httpx.AsyncClient, kept: KeptArticles, wrap: object) -> None:
    answer = await client.post("/articles", json=wrap([GOOD, {"title": "x", "url": "https://p.example/1"}]))  # type: ignore[operator]
    assert answer.status_code == 202
    assert answer.json()["ids"] == [article.id for article in kept.articles]
    assert len(kept.articles) == 2
    assert kept.articles[1].source == "p.example"


async def test_lines(client: httpx.AsyncClient, kept: KeptArticles) -> None:
    body = json.dumps(GOOD).encode() + b"\r\n\n{broken\n" + json.dumps({"text": "متن"}).encode()
    answer = await client.post(
        "/articles", content=body, headers={"Content-Type": "application/x-ndjson; charset=utf-8"}
    )
    assert answer.status_code == 207
    assert [result["status"] for result in answer.json()["articles"]] == ["accepted", "rejected", "accepted"]
    assert "not JSON" in answer.json()["articles"][1]["reason"]
    assert [article.text for article in kept.articles] == ["A text", "متن"]


async def test_many_are_answered_for_one_by_one(client: httpx.AsyncClient, kept: KeptArticles) -> None:
    answer = await client.post("/articles", json=[BAD, GOOD, 7, {"title": " "}])
    assert answer.status_code == 207
    fields = answer.json()
    assert (fields["accepted"], fields["rejected"]) == (1, 3)
    assert [result["index"] for result in fields["articles"]] == [0, 1, 2, 3]
    assert fields["articles"][0]["given_id"] == "b1"
    assert "title" in fields["articles"][0]["reason"]
    assert "both are empty" in fields["articles"][3]["reason"]
    assert len(kept.articles) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps(BAD), "title"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", "no article"),
        ("3", "not a JSON object but int"),
        ('{"articles": {}}', "articles: a list"),
        ('{"title": "", "text": null}', "both are empty"),
        ('{"title": "x", "published": 1700000000}', "ISO 8601"),
        ('{"title": "x", "url": "file:///etc/passwd"}', "url"),
    ],
)
async def test_a_bad_one(client: httpx.AsyncClient, kept: KeptArticles, content: str, reason: str) -> None:
    answer = await client.post("/articles", content=content, headers=JSON)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert kept.articles == []


async def test_none_of_many(client: httpx.AsyncClient, kept: KeptArticles) -> None:
    answer = await client.post("/articles", json=[BAD, BAD])
    assert answer.status_code == 422
    assert answer.json()["rejected"] == 2
    assert kept.articles == []


async def test_kafka_away(client: httpx.AsyncClient, kept: KeptArticles) -> None:
    kept.failures = [NotAcknowledged]
    answer = await client.post("/articles", json=[GOOD, BAD])
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert [result["status"] for result in answer.json()["articles"]] == ["unavailable", "rejected"]
    assert answer.json()["ids"] == []


async def test_too_large(client: httpx.AsyncClient, kept: KeptArticles, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.failures = [TooLarge]
    assert (await client.post("/articles", json=GOOD)).status_code == 413
    monkeypatch.setattr(push, "MAX_BODY", 100)

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 50

    async def stream() -> AsyncIterator[bytes]:
        for chunk in endless():
            yield chunk

    assert (await client.post("/articles", content=stream(), headers=JSON)).status_code == 413
    assert (await client.post("/articles", json={"title": "x" * 101})).status_code == 413
    assert kept.articles == []


async def test_while_kafka_is_away_nobody_waits_for_ever(
    client: httpx.AsyncClient, kept: KeptArticles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests as are worked on wait for Kafka; the others are told to come again, instead of piling up."""
    monkeypatch.setattr(push, "TURN", 0.2)
    away, begun = threading.Event(), threading.Semaphore(0)

    def publish(_articles: object) -> None:
        begun.release()
        away.wait(10)

    monkeypatch.setattr(kept, "publish", publish)
    waiting = [asyncio.create_task(client.post("/articles", json=GOOD)) for _ in range(push.AT_ONCE)]
    for _ in waiting:
        await asyncio.to_thread(begun.acquire, timeout=5)
    answer = await client.post("/articles", json=GOOD)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    away.set()
    assert {(await one).status_code for one in waiting} == {202}
    assert (await client.post("/articles", json=GOOD)).status_code == 202


async def test_a_dripping_body_is_cut_off(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "BODY_TIME", 0.2)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    assert (await client.post("/articles", content=drip(), headers=JSON)).status_code == 408


async def test_who_sends_half_a_request_keeps_nobody_out(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "TURN", 0.2)
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield b" "
        begun.release()
        await go_on.wait()
        yield json.dumps(GOOD).encode()

    waiting = [asyncio.create_task(client.post("/articles", content=half(), headers=JSON)) for _ in range(push.AT_ONCE)]
    for _ in waiting:
        await begun.acquire()
    assert (await client.post("/articles", json=GOOD)).status_code == 202
    go_on.set()
    assert {(await one).status_code for one in waiting} == {202}


async def test_what_is_declared_too_large_is_refused_unread(client: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b" "
        raise AssertionError("it was read on")

    headers = {**JSON, "Content-Length": "99000000000"}
    assert (await client.post("/articles", content=never(), headers=headers)).status_code == 413


async def test_bodies_together_have_a_bound(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "BODIES", 1_000)
    answer = await client.post("/articles", json={**GOOD, "text": "x" * 1_000})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    for _ in range(20):  # what was held is given back
        assert (await client.post("/articles", json={**GOOD, "text": "x" * 500})).status_code == 202


async def test_compressed_bodies_are_refused_rather_than_misread(client: httpx.AsyncClient) -> None:
    assert (
        await client.post("/articles", content=b"x", headers={**JSON, "Content-Encoding": "gzip"})
    ).status_code == 415


async def test_the_interface_is_described(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]["/articles"]["post"]
    assert {"202", "207", "422", "503", "413"} <= described["responses"].keys()
    assert {"application/json", "application/x-ndjson"} == described["requestBody"]["content"].keys()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_what_is_not_said_to_be_json(client: httpx.AsyncClient, kept: KeptArticles, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await client.post("/articles", content=json.dumps(GOOD), headers=headers)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]
    assert kept.articles == []
