"""What the fault trial is made of: its plan, its lines, its comparison."""

from __future__ import annotations

import itertools
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.faults.compare import Left, Undisturbed, differences
from tests.faults.input import articles
from tests.faults.plan import plan
from tests.faults.proxies import Line


def test_a_seed_gives_its_plan_again_and_another_one_another() -> None:
    assert plan(1, 300, 5) == plan(1, 300, 5) != plan(2, 300, 5)


def test_a_plan_ends_in_time_and_leaves_no_victim_to_two_faults_at_once() -> None:
    faults = plan(7, 600, 4)
    assert {"kill", "freeze", "hang", "reset", "delay", "429", "503", "add", "fill"} <= {fault.what for fault in faults}
    assert max(fault.at + fault.lasts for fault in faults) <= 600.1
    for victim in {fault.whom for fault in faults}:
        own = [fault for fault in faults if fault.whom == victim]
        assert all(a.at + a.lasts <= b.at + 0.1 for a, b in itertools.pairwise(own))


def test_the_articles_of_a_seed_are_the_same_and_each_has_an_address_of_its_own() -> None:
    some = articles(50, 3)
    assert [a.text for a in some] == [a.text for a in articles(50, 3)]
    assert len({a.id for a in some}) == 50


@pytest.fixture
def line() -> Iterator[tuple[Line, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    line = Line(server.server_address[1])
    yield line, asked
    line.close()
    server.shutdown()
    server.server_close()


def ask(line: Line, timeout: float = 30.0) -> int:
    return httpx.post(f"http://127.0.0.1:{line.port}/x", content=b"a" * 100_000, timeout=timeout).status_code


def test_a_line_passes_refuses_resets_and_passes_again(line: tuple[Line, list[str]]) -> None:
    proxy, asked = line
    for way, status in (("pass", 200), ("429", 429), ("503", 503), ("delay", 200)):
        proxy.goes(way)
        assert ask(proxy) == status
    proxy.goes("reset")
    with pytest.raises(httpx.TransportError):
        ask(proxy)
    proxy.goes("pass")
    assert ask(proxy) == 200
    assert len(asked) == 3, "what was refused had its effect"


def test_what_a_hanging_line_was_given_arrives_when_it_passes(line: tuple[Line, list[str]]) -> None:
    proxy, asked = line
    proxy.goes("hang")
    with pytest.raises(httpx.TimeoutException):
        ask(proxy, timeout=0.3)
    assert not asked
    with socket.create_connection(("127.0.0.1", proxy.port)) as waiting:
        waiting.sendall(b"POST /late HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        proxy.goes("pass")
        assert waiting.recv(100).startswith(b"HTTP/1.0 200")
    assert "/late" in asked


RIGHT = Undisturbed({"a1": "a", "a2": "a", "b1": "b"}, frozenset({"a1", "a2"}))
GOOD = Left(
    articles={"a1": {"story_id": "x"}, "a2": {"story_id": "x"}, "b1": {"story_id": "y"}},
    stories={"x": {"article_count": 2}, "y": {"article_count": 1}},
    dead=[],
    told=Counter({("trial", "x"): 1}),
    keys=Counter({"alert:1": 1}),
    alert_stories={"alert": "x"},
)


def test_a_trial_that_left_what_an_undisturbed_run_leaves_differs_in_nothing() -> None:
    assert differences(RIGHT, GOOD) == []


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (replace(GOOD, articles={k: d for k, d in GOOD.articles.items() if k != "b1"}), "not in the index"),
        (replace(GOOD, articles={**GOOD.articles, "c1": {"story_id": "z"}}), "nobody sent"),
        (replace(GOOD, articles={**GOOD.articles, "a2": {"story_id": "y"}}), "are in several"),
        (replace(GOOD, articles={**GOOD.articles, "b1": {"story_id": "x"}}), "hold several"),
        (replace(GOOD, stories={**GOOD.stories, "x": {"article_count": 3}}), "count wrongly"),
        (replace(GOOD, dead=["cluster articles.analyzed: why"]), "1 dead letters"),
        (replace(GOOD, told=Counter()), "not told"),
        (replace(GOOD, told=Counter({("trial", "x"): 2})), "told twice"),
        (replace(GOOD, keys=Counter()), "not delivered"),
        (replace(GOOD, keys=Counter({"alert:1": 2})), "delivered twice"),
        (replace(GOOD, notes=["the supervisor ended by itself"]), "supervisor"),
    ],
)
def test_each_kind_of_difference_is_said(left: Left, said: str) -> None:
    assert any(said in sentence for sentence in differences(RIGHT, left))
