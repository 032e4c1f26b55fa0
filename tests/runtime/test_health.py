"""Alive means progress."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request

import pytest

from polywire.supervision.process import fetch_health, free_port
from runtime.health import SILENT_AFTER, STALLED_AFTER, HealthReport, StageHealth


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> StageHealth:
    return StageHealth("cluster", clock=clock)


def test_starting_counts_as_alive_for_a_while(health: StageHealth, clock: Clock) -> None:
    assert health.report().alive
    clock.now += STALLED_AFTER + 1
    assert not health.report().alive


def test_idle_is_alive(health: StageHealth, clock: Clock) -> None:
    health.ready()
    clock.now += 10 * STALLED_AFTER
    health.beat()
    assert health.report().alive
    assert health.report().reason == "idle"


def test_waiting_messages_and_no_progress_is_not_alive(health: StageHealth, clock: Clock) -> None:
    health.ready()
    clock.now += 1_000
    health.beat()
    health.lag({("t", 0): 5})
    assert health.report().alive, "the wait is counted from when there was something to wait for"
    clock.now += STALLED_AFTER + 1
    health.beat()
    health.lag({("t", 0): 7})
    report = health.report()
    assert not report.alive
    assert "7 messages wait" in report.reason
    health.handled("t")
    assert health.report().alive


def test_retries_beat_but_are_no_progress(health: StageHealth, clock: Clock) -> None:
    health.ready()
    health.lag({("t", 0): 1})
    clock.now += STALLED_AFTER + 1
    health.retrying(ConnectionError("refused"))
    report = health.report()
    assert not report.alive
    assert report.last_error == "refused"
    assert report.last_error_age == 0
    clock.now += 90
    health.handled("t")
    assert health.report().last_error_age == 90


def test_a_loop_that_does_not_go_round_is_not_alive(health: StageHealth, clock: Clock) -> None:
    health.ready()
    clock.now += SILENT_AFTER + 1
    assert not health.report().alive


def test_rate_is_of_the_last_minute(health: StageHealth, clock: Clock) -> None:
    clock.now += 120
    health.handled("t", count=60)
    assert health.report().rate == 1.0
    clock.now += 61
    assert health.report().rate == 0.0


def test_served_over_http(health: StageHealth, clock: Clock) -> None:
    port = free_port()
    health.serve("127.0.0.1", port)
    health.ready()
    health.handled("articles.raw", 0.1)
    health.rejected("articles.raw", "not JSON")
    report = fetch_health(port)
    assert report is not None
    assert (report["alive"], report["handled"], report["rejected"]) == (True, 1, 1)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    assert 'polywire_messages_total{outcome="dead_letter",stage="cluster",topic="articles.raw"} 1.0' in metrics
    clock.now += SILENT_AFTER + 1
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)
    assert caught.value.code == 503
    assert json.loads(caught.value.read())["alive"] is False
    assert fetch_health(free_port()) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_it_is_asked_where_it_listens(health: StageHealth, host: str) -> None:
    try:
        port = free_port(host)
    except OSError:
        pytest.skip("this machine has no IPv6")
    health.serve(host, port)
    assert fetch_health(port, host=host) is not None


def test_silent_clients_block_nobody(health: StageHealth) -> None:
    port = free_port()
    health.serve("127.0.0.1", port)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    try:
        silent[0].sendall(b"GET /hea")
        assert fetch_health(port) is not None
    finally:
        for client in silent:
            client.close()


def test_a_client_that_stays_silent_is_let_go(health: StageHealth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.health._Handler.timeout", 0.1)
    port = free_port()
    health.serve("127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        assert client.recv(1) == b""


def test_a_proxy_is_never_asked_for_this_machine(health: StageHealth, dead_proxy: None) -> None:
    port = free_port()
    health.serve("127.0.0.1", port)
    assert fetch_health(port) is not None


def test_the_slowest_of_several_loops_counts(health: StageHealth, clock: Clock) -> None:
    health.ready()
    health.beat("page")
    clock.now += SILENT_AFTER + 1
    health.beat()
    assert not health.report().alive
    health.beat("page")
    assert health.report().alive


def test_parts_that_fail_are_named_and_leave_the_stage_alive(health: StageHealth) -> None:
    health.ready()
    health.failing(30, {f"feed-{n:02}": "404" for n in range(25)})
    report = health.report()
    assert report.alive
    assert (report.parts, report.parts_failing) == (30, 25)
    assert list(report.failing) == [f"feed-{n:02}" for n in range(20)]


def test_a_report_says_all_there_is(health: StageHealth, clock: Clock) -> None:
    assert health.report() == HealthReport("cluster", True, "starting", False, 0, 0, 0, 0, 0.0, 0.0, None)
    health.ready()
    health.lag({("t", 0): 4, ("t", 1): 3})
    clock.now += 7.03
    health.handled("t", count=2)
    clock.now += 2.26
    health.rejected("t", "not JSON")
    health.retrying(ConnectionError())
    clock.now += 1.18
    health.failing(3, {"feed": "404"})
    assert health.report() == HealthReport(
        "cluster", True, "working", True, handled=2, rejected=1, retries=1, lag=7, rate=0.19, idle_for=1.2,
        last_error="ConnectionError", parts=3, parts_failing=1, failing={"feed": "404"}, last_error_age=1.2,
    )  # fmt: skip


def test_a_rate_is_of_the_time_since_the_start_where_that_is_less_than_a_minute(
    health: StageHealth, clock: Clock
) -> None:
    health.handled("t", count=3)
    assert health.report().rate == 3.0, "of a second, at first"
    clock.now += 30
    assert health.report().rate == 0.1


def test_answers_have_a_type_and_a_length_and_other_paths_none(health: StageHealth) -> None:
    port = free_port()
    thread = health.serve("127.0.0.1", port)
    assert thread is not None
    assert thread.daemon, "else no process would end"
    health.ready()
    for path, kind in (
        ("/healthz?verbose=1", "application/json"),
        ("/metrics?x", "text/plain; version=0.0.4; charset=utf-8"),
    ):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
            assert int(answer.headers["Content-Length"]) == len(answer.read())
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/else", timeout=5)
    assert (caught.value.code, caught.value.headers["Content-Type"]) == (404, "text/plain")
    assert caught.value.read() == b"/metrics or /healthz\n"


def test_metrics_say_what_became_of_messages(health: StageHealth) -> None:
    def value(name: str, **labels: str) -> float | None:
        found: float | None = health.registry.get_sample_value(name, {"stage": "cluster", **labels})
        return found

    health.ready()
    health.handled("t")
    health.handled("t", 6.0, count=3)
    health.handled("u", 1.0, outcome="duplicate")
    health.rejected("t", "not JSON")
    health.retrying("down")
    health.lag({("t", 0): 4, ("t", 1): 3})
    health.lag({("t", 1): 2})
    assert health.report().handled == 5
    assert value("polywire_ready") == 1
    assert value("polywire_messages_total", topic="t", outcome="ok") == 4
    assert value("polywire_messages_total", topic="u", outcome="duplicate") == 1
    assert value("polywire_messages_total", topic="t", outcome="dead_letter") == 1
    assert value("polywire_handling_seconds_count") == 3
    assert value("polywire_handling_seconds_sum") == 0.0 + 2.0 + 1.0, "of a message"
    assert value("polywire_retries_total") == 1
    assert value("polywire_lag_messages", topic="t", partition="0") is None
    assert value("polywire_lag_messages", topic="t", partition="1") == 2
