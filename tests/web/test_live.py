"""What happens on the bus reaches the pages, also those that were away for a while."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kafka import KafkaProducer

from consumers.index.reader import IndexReader
from consumers.web import live
from consumers.web.live import Hub, Told
from polywire.supervision.process import free_port
from runtime.bus.clients import create_topics, make_producer, publish
from runtime.settings import Settings
from schemas.stories import Story
from schemas.topics import ALERTS, STORIES
from tests.web.newsroom import EVIL, FROGS, GONE, HOWITZERS, alert_of, stories

PATIENCE = 60.0
"""Seconds that a process or a browser may take on a busy machine."""


def story(id_: str = HOWITZERS, version: int = 1) -> Story:
    return stories()[id_][0].model_copy(update={"version": version})


async def hear(hub: Hub, count: int, last: str | None = None) -> list[Told]:
    told = []
    async with asyncio.timeout(5):
        async for one in hub.listen(last):
            told.append(one)
            if len(told) == count:
                break
    return told


async def test_a_listener_hears_what_comes_and_what_has_just_been() -> None:
    hub = Hub()
    hub.publish("story", story())
    listening = asyncio.create_task(hear(hub, 2))
    await asyncio.sleep(0.05)
    hub.publish("alert", alert_of(story()))
    assert [told.event.kind for told in await listening if told.event] == ["story", "alert"]


async def test_what_is_long_ago_is_not_told_again() -> None:
    now = 0.0
    hub = Hub(clock=lambda: now)
    hub.publish("story", story())
    now = live.RECENT + 1
    hub.publish("story", story(FROGS))
    (told,) = await hear(hub, 1)
    assert told.event is not None
    assert told.event.id == FROGS


async def test_changes_in_quick_succession_are_told_once() -> None:
    hub = Hub()
    for version in range(1, 50):
        hub.publish("story", story(version=version))
    hub.publish("story", story(FROGS))
    first, second = await hear(hub, 2)
    assert isinstance(first.event and first.event.message, Story)
    assert first.event is not None
    assert first.event.message.version == 49  # type: ignore[union-attr]
    assert second.event is not None
    assert second.event.id == FROGS


async def test_who_comes_back_is_told_what_was_missed() -> None:
    hub = Hub()
    hub.publish("story", story())
    (first,) = await hear(hub, 1)
    hub.publish("story", story(FROGS))
    hub.publish("alert", alert_of(story()))
    again = await hear(hub, 2, first.id)
    assert [told.event.kind for told in again if told.event] == ["story", "alert"]
    assert again[-1].id != first.id


@pytest.mark.parametrize("last", ["otherrun-1", "nonsense", "-", "x" * 60])
async def test_who_comes_back_to_another_process_loads_the_page_again(last: str) -> None:
    hub = Hub()
    hub.publish("story", story())
    (told,) = await hear(hub, 1, last)
    assert told.event is None


async def test_who_missed_more_than_is_kept_loads_the_page_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "KEPT", 3)
    hub = Hub()
    hub.publish("story", story())
    (first,) = await hear(hub, 1)
    for version in range(10):
        hub.publish("story", story(version=version + 1))
    (told,) = await hear(hub, 1, first.id)
    assert told.event is None
    hub.publish("story", story(FROGS))
    (after,) = await hear(hub, 1, told.id)
    assert after.event is not None
    assert after.event.id == FROGS


async def test_an_interruption_of_the_bus_makes_everybody_look_again() -> None:
    hub = Hub()
    hub.publish("story", story())
    (first,) = await hear(hub, 1)
    hub.lost()
    (told,) = await hear(hub, 1, first.id)
    assert told.event is None


async def test_closing_lets_listeners_go() -> None:
    hub = Hub()
    listening = asyncio.create_task(hear(hub, 1))
    await asyncio.sleep(0.05)
    hub.close()
    assert await asyncio.wait_for(listening, 2) == []


def healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def served(engine: Settings, reader: IndexReader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`polywire web` as its own process over the index with the stories in it."""
    create_topics(engine)
    port = free_port()
    environment = {
        **os.environ,
        "POLYWIRE_KAFKA_BOOTSTRAP": engine.kafka_bootstrap,
        "POLYWIRE_ELASTICSEARCH_URL": engine.elasticsearch_url,
        "POLYWIRE_INDEX_PREFIX": "webtest",
        "POLYWIRE_WEB_PORT": str(port),
        "POLYWIRE_STATE_DIR": str(tmp_path_factory.mktemp("web")),
    }
    process = subprocess.Popen([sys.executable, "-m", "polywire", "web"], env=environment, cwd=Path(__file__).parent)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not healthy(address):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield address
        # Asked to stop while a page listens, it ends in order and soon.
        with httpx.stream("GET", f"{address}/events"):
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
    finally:
        process.kill()


@pytest.fixture(scope="module")
def producer(engine: Settings) -> Iterator[KafkaProducer]:
    producer = make_producer(engine, "test")
    yield producer
    producer.close()


def events_of(response: httpx.Response) -> Iterator[tuple[str, str, dict[str, object]]]:
    """(event, id, data) of a stream of server-sent events."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"])
            fields = {}


_versions = itertools.count(10)


def put(producer: KafkaProducer, message: Story) -> None:
    publish(producer, STORIES, message.id, message).get(timeout=30)


@pytest.mark.engine
def test_events_from_kafka_to_a_client_and_again_after_a_break(served: str, producer: KafkaProducer) -> None:
    # The reader starts at the end of the topics: until it is there, nothing is told.
    with httpx.stream("GET", f"{served}/events", timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events_of(response)
        deadline = time.monotonic() + PATIENCE
        while httpx.get(f"{served}/healthz").json()["handled"] == 0:
            assert time.monotonic() < deadline
            put(producer, story(version=next(_versions)))
            time.sleep(0.2)
        name, last, data = next(stream)
        assert (name, data["id"]) == ("story", HOWITZERS)
        assert data["languages"] == ["en", "ar", "ko"]
    frogs = story(FROGS, next(_versions))
    put(producer, frogs)
    publish(producer, ALERTS, "sub", alert_of(frogs)).get(timeout=30)
    heard: dict[str, dict[str, object]] = {}
    with httpx.stream("GET", f"{served}/events?html=true", headers={"Last-Event-ID": last}, timeout=30) as response:
        for name, _, data in events_of(response):
            heard[name] = data
            if "alert" in heard and heard.get("story", {}).get("id") == FROGS:
                break
    assert f"/stories/{FROGS}" in str(heard["story"]["html"])
    assert heard["alert"]["kind"] == "new"
    assert "Katak terbang" in str(heard["alert"]["html"])


@pytest.mark.engine
def test_articles_are_pushed_to_the_same_server(served: str) -> None:
    answer = httpx.post(f"{served}/articles", json={"title": "Pushed", "source": "webtest"}, timeout=30)
    assert answer.status_code == 202
    assert len(answer.json()["ids"]) == 1
    # No proxy is believed: what it says does not make a request one of this machine, nor hide that there is a proxy.
    by_proxy = {"X-Forwarded-For": "127.0.0.1"}
    assert httpx.post(f"{served}/articles", json={"title": "Pushed"}, headers=by_proxy).status_code == 403
    assert "/articles" in httpx.get(f"{served}/openapi.json").json()["paths"]


@pytest.mark.engine
@pytest.mark.browser
class TestBrowser:
    """In Chromium."""

    @pytest.fixture
    def browser(self, tmp_path: Path) -> Iterator[object]:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (
            "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
            "disable-component-update", "disable-sync", f"user-data-dir={tmp_path}", "window-size=1280,1000",
        ):  # fmt: skip
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = webdriver.Chrome(service=webdriver.ChromeService("/usr/bin/chromedriver"), options=options)
        yield browser
        complaints = [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]]
        browser.quit()
        assert complaints == []

    def wait(self, browser, script: str, seconds: float = PATIENCE) -> object:  # type: ignore[no-untyped-def]
        deadline = time.monotonic() + seconds
        while not (found := browser.execute_script(f"return {script}")):
            assert time.monotonic() < deadline, script
            time.sleep(0.1)
        return found

    def test_stories_and_alerts_appear_and_change_without_a_reload(
        self, served: str, producer: KafkaProducer, browser
    ) -> None:  # type: ignore[no-untyped-def]
        browser.get(served + "/")
        browser.execute_script("window.same = true")
        self.wait(browser, "document.getElementById('live').dataset.state == 'on'")
        fresh = story(FROGS, next(_versions)).model_copy(update={"id": "snew", "title": "Fresh <b>news</b>"})
        card = "document.querySelector('[data-story=snew]')"
        deadline = time.monotonic() + PATIENCE
        while not browser.execute_script(f"return !!{card}"):
            assert time.monotonic() < deadline
            put(producer, fresh.model_copy(update={"version": next(_versions)}))
            time.sleep(0.3)
        assert browser.execute_script(f"return {card}.querySelector('h2').textContent.trim()") == "Fresh <b>news</b>"
        assert browser.execute_script(f"return {card} == document.getElementById('stories').firstElementChild")
        put(producer, fresh.model_copy(update={"version": next(_versions), "title": "Changed"}))
        self.wait(browser, f"{card}.querySelector('h2').textContent.trim() == 'Changed'")
        publish(producer, ALERTS, "sub", alert_of(fresh, name="Frogs")).get(timeout=30)
        self.wait(browser, "document.querySelector('#alerts li .who').textContent.includes('Frogs')")
        assert "Fresh" in browser.execute_script("return document.getElementById('said').textContent")
        put(producer, fresh.model_copy(update={"version": next(_versions), "merged_into": FROGS, "article_count": 0}))
        self.wait(browser, f"!{card}")
        assert browser.execute_script("return window.same")

    def test_a_story_says_when_it_has_changed(self, served: str, producer: KafkaProducer, browser) -> None:  # type: ignore[no-untyped-def]
        browser.get(f"{served}/stories/{EVIL}")
        self.wait(browser, "document.getElementById('live').dataset.state == 'on'")
        assert browser.execute_script("return document.getElementById('changed').hidden")
        deadline = time.monotonic() + PATIENCE
        while browser.execute_script("return document.getElementById('changed').hidden"):
            assert time.monotonic() < deadline
            put(producer, story(EVIL, version=next(_versions)))
            time.sleep(0.3)

    def test_each_text_runs_in_its_own_direction(self, served: str, browser) -> None:  # type: ignore[no-untyped-def]
        browser.get(f"{served}/stories/{HOWITZERS}")
        script = "getComputedStyle(document.querySelector('.text[lang=%s] p')).direction"
        assert browser.execute_script(f"return {script % 'ar'}") == "rtl"
        assert browser.execute_script(f"return {script % 'en'}") == "ltr"
        columns = "[...document.querySelectorAll('.column')].map(c => Math.round(c.getBoundingClientRect().top))"
        assert len(set(browser.execute_script(f"return {columns}"))) == 1, "not side by side"

    def test_hostile_articles_run_nothing(self, served: str, browser) -> None:  # type: ignore[no-untyped-def]
        for path in ("/", "/search?q=evil"):
            browser.get(served + path)
            time.sleep(0.5)
            assert "owned" not in browser.title

    def test_pages_can_be_read_without_scripts(self, served: str, browser) -> None:  # type: ignore[no-untyped-def]
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(served + "/")
        browser.find_element("css selector", f"[data-story='{HOWITZERS}'] h2 a").click()
        assert f"/stories/{HOWITZERS}" in browser.current_url
        assert not browser.find_element("id", "live").is_displayed()
        box = browser.find_element("id", "q")
        box.send_keys("katak")
        box.submit()
        assert "Katak terbang" in browser.find_element("tag name", "main").text

    def test_nothing_sticks_out_on_a_phone(self, served: str, browser) -> None:  # type: ignore[no-untyped-def]
        phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        for path in ("/", f"/stories/{HOWITZERS}", f"/stories/{GONE}", "/search", "/alerts", "/docs"):
            browser.get(served + path)
            wide = "e => e.getBoundingClientRect().right > 361 && e.getClientRects().length"
            sticking = (
                f"[...document.querySelectorAll('main *, header *')].filter({wide}).map(e => e.outerHTML.slice(0, 90))"
            )
            width = browser.execute_script("return document.documentElement.scrollWidth")
            assert width <= 360, (path, width, browser.execute_script(f"return {sticking}"))
