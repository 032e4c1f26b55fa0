"""Pages and JSON over a real Elasticsearch."""

from __future__ import annotations

import httpx
import lxml.html
import pytest

from consumers.index.reader import IndexReader
from consumers.web.app import make_app, names_of
from consumers.web.guard import Writers
from consumers.web.headers import SECURITY
from consumers.web.live import Hub
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings
from tests.web.newsroom import EVIL, FROGS, GONE, HOWITZERS, TEXTS

pytestmark = pytest.mark.engine
HTML = {"Accept": "text/html"}


async def page(client: httpx.AsyncClient, path: str, status: int = 200) -> lxml.html.HtmlElement:
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return lxml.html.document_fromstring(answer.text)


def texts(root: lxml.html.HtmlElement, selector: str) -> list[str]:
    return [" ".join(node.text_content().split()) for node in root.xpath(selector)]


async def test_stories_newest_first_without_those_that_went_up_in_others(client: httpx.AsyncClient) -> None:
    root = await page(client, "/")
    assert root.xpath("//article/@data-story") == [FROGS, HOWITZERS, EVIL]
    howitzers = texts(root, f"//article[@data-story='{HOWITZERS}']")[0]
    for shown in (
        TEXTS["en"][0],
        TEXTS["ar"][0],
        TEXTS["ko"][0],
        "Sale",
        "South Korea → Vietnam",
        "3 articles",
        "Arabic",
    ):
        assert shown in howitzers
    assert texts(root, "//ul[@id='alerts']/li/a") == [TEXTS["en"][0]]


async def test_only_deals_and_only_a_language(client: httpx.AsyncClient) -> None:
    assert (await page(client, "/?deals=true")).xpath("//article/@data-story") == [HOWITZERS]
    assert (await page(client, "/?language=ms")).xpath("//article/@data-story") == [FROGS]
    assert (await page(client, "/?language=xx")).xpath("//article/@data-story") == []


async def test_a_story_with_its_variants_side_by_side(client: httpx.AsyncClient) -> None:
    root = await page(client, f"/stories/{HOWITZERS}")
    assert texts(root, "//h1") == [TEXTS["en"][0]]
    assert [h.split()[0] for h in texts(root, "//section[@class='column']/h3")] == ["English", "Arabic", "Korean"]
    for language, (title, text) in TEXTS.items():
        (body,) = root.xpath(f"//div[@class='text'][@lang='{language}']")
        shown = "".join(body.text_content().replace("Read on", "").split())
        assert shown == "".join(text.split())
        assert title in texts(root, f"//h4[@lang='{language}'][@dir='auto']")
        # What says that there is a deal is marked, in the text and quoted with the deal.
        sentence = text.split("\n")[0]
        assert "".join(body.xpath(".//mark//text()")) == sentence
        assert sentence in texts(root, f"//q[@lang='{language}'][@dir='auto']")
    assert "K9" in texts(root, "//span[contains(@class, 'weapon')][@title='K9 Thunder']")
    assert any("South Korea" in deal and "40 K9 Thunder" in deal and "800 million" in deal
               for deal in texts(root, "//section[@class='deal-card']"))  # fmt: skip
    assert "Alerted: Arms deals" in texts(root, "//p[@class='facts']")[0]


async def test_a_story_that_went_up_in_another_leads_there(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/stories/{GONE}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/stories/{FROGS}")
    await page(client, "/stories/snothing", 404)
    await page(client, "/nowhere", 404)


async def test_search_across_languages(client: httpx.AsyncClient) -> None:
    root = await page(client, "/search?q=supplier:KR AND language:ar")
    assert root.xpath("//article/h2/a/@href") == [f"/stories/{HOWITZERS}"]
    assert TEXTS["ar"][1] in texts(root, "//div[@class='hit']")[0]
    root = await page(client, "/search?q=howitzers")
    assert texts(root, "//div[@class='hit']//mark")[:1] == ["howitzers"]
    assert "No" in texts(await page(client, "/search?q=zzzznothing"), "//p[@class='empty']")[0]


async def test_a_query_that_cannot_be_used_says_why(client: httpx.AsyncClient) -> None:
    assert "there is no field" in texts(await page(client, "/search?q=nofield:x", 400), "//p[@role='alert']")[0]
    answer = await client.get("/api/search", params={"q": '"open'})
    assert answer.status_code == 400
    assert answer.json()["detail"]
    await page(client, "/search")


@pytest.mark.parametrize("path", ["/", f"/stories/{EVIL}", "/search?q=evil", "/search?q=<script>alert(1)</script>"])
async def test_hostile_text_stays_text(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=HTML)
    root = lxml.html.document_fromstring(answer.text)
    assert all(script.get("src") and not script.text for script in root.xpath("//script"))
    assert root.xpath("//img") == []
    assert root.xpath("//@onerror | //@onclick | //@style") == []
    assert not [href for href in root.xpath("//@href") if href.strip().lower().startswith("javascript")]
    if path != "/search?q=<script>alert(1)</script>":
        assert "owned" in root.text_content()


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/api/stories", "/nowhere", "/static/style.css", "/healthz", "/openapi.json"):
        answer = await client.get(path)
        for name, value in SECURITY.items():
            assert answer.headers[name] == value, (path, name)


async def test_nothing_is_fetched_from_elsewhere(client: httpx.AsyncClient) -> None:
    for path in ("/", "/search", "/alerts", "/docs", f"/stories/{HOWITZERS}"):
        root = await page(client, path)
        for address in root.xpath("//link/@href | //script/@src | //img/@src"):
            assert address.startswith("/static/")
            assert (await client.get(address)).status_code == 200


async def test_json(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/stories")).json()
    assert [story["id"] for story in listed["stories"]] == [FROGS, HOWITZERS, EVIL]
    first = (await client.get("/api/stories", params={"limit": 2})).json()
    rest = (await client.get("/api/stories", params={"limit": 2, "after": first["older"]})).json()
    assert [story["id"] for story in first["stories"] + rest["stories"]] == [FROGS, HOWITZERS, EVIL]
    assert rest["older"] is None
    assert [s["id"] for s in (await client.get("/api/stories?deals=true")).json()["stories"]] == [HOWITZERS]
    one = (await client.get(f"/api/stories/{HOWITZERS}")).json()
    assert [(v["language"], v["text"]) for v in one["variants"]] == [(code, text) for code, (_, text) in TEXTS.items()]
    assert one["story"]["deals"][0]["evidence"][0]["text"] in TEXTS["en"][1]
    assert (await client.get("/api/stories/snothing")).status_code == 404
    found = (await client.get("/api/search", params={"q": 'weapon:"K9 Thunder"'})).json()
    assert found["total"] == 3
    assert [(story["id"], len(story["articles"])) for story in found["stories"]] == [(HOWITZERS, 3)]
    assert [alert["story_id"] for alert in (await client.get("/api/alerts")).json()["alerts"]] == [HOWITZERS]
    assert (await client.get("/api/stories?limit=0")).status_code == 422
    assert (await client.get("/api/stories?after=nonsense")).json() == {"stories": [], "older": None}


async def test_docs_name_every_route(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    shown = texts(await page(client, "/docs"), "//section/h2/code")
    assert sorted(set(shown)) == sorted(described)
    assert {
        "/api/stories",
        "/api/stories/{story_id}",
        "/api/search",
        "/api/alerts",
        "/healthz",
        "/metrics",
    } <= described.keys()


async def test_health_and_metrics(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["stage"] == "web"
    assert "polywire_ready" in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    ("served_on", "set_names", "asked_for", "status"),
    [
        ("127.0.0.1", [], "localhost:8080", 200),
        ("127.0.0.1", [], "127.0.0.1:8080", 200),
        ("localhost", [], "[::1]:8080", 200),
        ("127.0.0.1", [], "rebound.example", 400),
        ("127.0.0.1", [], "127.0.0.1.rebound.example", 400),
        ("127.0.0.1", ["news.example"], "news.example", 200),
        ("127.0.0.1", ["*.example"], "desk.news.example", 200),
        ("127.0.0.1", ["news.example"], "www.news.example", 400),
        ("0.0.0.0", [], "any.example", 200),
        ("0.0.0.0", ["news.example"], "any.example", 400),
    ],
)
async def test_only_names_of_ours_are_answered_to(
    reader: IndexReader, hub: Hub, served_on: str, set_names: list[str], asked_for: str, status: int
) -> None:
    """A page on the web that gives its own name our address reaches nothing."""
    app = make_app(reader, hub, StageHealth("web"), writers=Writers(), names=names_of(served_on, set_names))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert (await client.get("/api/stories", headers={"Host": asked_for})).status_code == status


async def test_before_the_first_article_there_is_nothing_rather_than_an_error(engine: Settings) -> None:
    es = make_client(engine)
    app = make_app(IndexReader(es, "nosuchprefix", missing_is_empty=True), Hub(), StageHealth("web"), writers=Writers())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://p.example") as client:
        assert "No stories yet" in " ".join(texts(await page(client, "/"), "//p[@id='empty']"))
        assert (await client.get("/api/alerts")).json() == {"alerts": []}
    es.close()


async def test_without_elasticsearch_pages_say_so() -> None:
    es = make_client(Settings(elasticsearch_url="http://127.0.0.1:9"), request_timeout=1)
    health = StageHealth("web")
    app = make_app(IndexReader(es, "x", missing_is_empty=True), Hub(), health, writers=Writers())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://p.example") as client:
        assert "index is away" in texts(await page(client, "/", 503), "//h1")[0]
        answer = await client.get("/api/stories")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "Elasticsearch" in answer.json()["detail"]
    assert health.report().retries == 2
    es.close()
