"""How everything is: asked of each stage, of Kafka and of Elasticsearch, side by side and not for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from rich.markup import escape
from rich.table import Table

from polywire.supervision.process import fetch_health
from runtime.bus.clients import group_lag, make_admin
from runtime.bus.groups import GROUPS
from runtime.elastic import make_client
from runtime.settings import Settings

PATIENCE = 8.0
"""Seconds for all answers; what has not answered by then counts as hanging."""
_CONNECT = 4.0


@dataclass(frozen=True)
class Status:
    """A line of `polywire status`: an engine or a stage."""

    name: str
    kind: Literal["engine", "stage"]
    alive: bool
    """It answers, and a stage moves what waits for it."""
    well: bool
    """Alive, and at least half of what it looks after (its feeds) is."""
    state: str
    handled: int = 0
    rejected: int = 0
    rate: float = 0.0
    lag: int | None = None
    """Messages waiting for the stage's group; None where it has none, or Kafka does not say."""
    lags: dict[str, int] = field(default_factory=dict)
    """The same by topic."""
    parts: int = 0
    parts_failing: int = 0
    failing: dict[str, str] = field(default_factory=dict)
    """See runtime.health.HealthReport."""
    restarts: int = 0
    last_error: str | None = None
    last_error_age: float | None = None
    """Seconds since then; None where that is not known."""
    pid: int | None = None


Lags = dict[str, dict[str, int]]


def collect(settings: Settings, run: Mapping[str, Any]) -> list[Status]:
    """The engines and every stage of a run (see read_run_file), within PATIENCE seconds."""
    stages = run.get("stages", [])
    asks: dict[str, Callable[[], Any]] = {
        "Kafka": partial(_lags, settings),
        "Elasticsearch": partial(_documents, settings),
        **{stage["name"]: partial(fetch_health, stage["metrics_port"], host=settings.metrics_host) for stage in stages},
    }
    answers = _ask_all(asks, PATIENCE)
    lags = answers["Kafka"] if isinstance(answers["Kafka"], dict) else {}
    found = [_engine(name, answers[name]) for name in ("Kafka", "Elasticsearch")]
    return found + [_stage(stage, answers[stage["name"]], lags.get(stage["group"])) for stage in stages]


def _ask_all(asks: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """Each answer by name; an exception where there was one, or where there was no answer in time."""
    answers: dict[str, Any] = {}

    def ask(name: str, how: Callable[[], Any]) -> None:
        try:
            answers[name] = how()
        except Exception as error:
            answers[name] = error

    # Daemons: a client that waits for what hangs must not hold up the end of the process.
    threads = [threading.Thread(target=ask, args=each, daemon=True) for each in asks.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = TimeoutError(f"no answer within {seconds:.0f} s")
    return {name: answers.get(name, late) for name in asks}


def _lags(settings: Settings) -> Lags:
    make_admin(settings, patience=_CONNECT).close()  # says soon, and why, where there is no broker
    return group_lag(settings, GROUPS)


def _documents(settings: Settings) -> str:
    """What Elasticsearch says of itself. Raises where it does not answer, or not all of it is there."""
    with make_client(settings, request_timeout=PATIENCE) as client:
        health = client.cluster.health(index=f"{settings.index_prefix}-*", timeout="2s")
        if health["status"] == "red":
            raise RuntimeError(f"red: {health.get('unassigned_shards')} shards are nowhere")
        count = client.count(index=f"{settings.index_prefix}-articles", ignore_unavailable=True)["count"]
        waiting = client.search(
            index=f"{settings.index_prefix}-deliveries", query={"term": {"state": "pending"}}, size=1,
            sort=[{"created": "asc"}], source_includes=["created"], track_total_hits=True, ignore_unavailable=True,
        )["hits"]  # fmt: skip
    return f"{health['status']}, {count} articles{_deliveries(waiting)}"


def _deliveries(hits: Mapping[str, Any]) -> str:
    if not hits["hits"]:
        return ""
    count, oldest = hits["total"]["value"], datetime.fromisoformat(hits["hits"][0]["_source"]["created"])
    since = ago((datetime.now(UTC) - oldest).total_seconds())
    return f", {count} {'delivery waits' if count == 1 else 'deliveries wait'}, the oldest from {since}"


def _engine(name: str, answer: Any) -> Status:
    if isinstance(answer, Exception):
        return Status(name, "engine", False, False, "does not answer", last_error=str(answer) or type(answer).__name__)
    return Status(name, "engine", True, True, answer if isinstance(answer, str) else "answers")


def _stage(stage: Mapping[str, Any], answer: Any, lags: dict[str, int] | None) -> Status:
    report = answer if isinstance(answer, dict) else {}
    parts, failing = report.get("parts", 0), report.get("parts_failing", 0)
    alive = bool(report.get("alive"))
    error, age = report.get("last_error"), report.get("last_error_age")
    if not error:
        # Of the process before this one, then.
        error, at = stage["last_error"], stage.get("last_error_at")
        age = None if at is None else max(0.0, time.time() - at)
    state = report.get("reason") or ("no answer" if stage["pid"] else "ended, is started again")
    return Status(
        name=stage["name"],
        kind="stage",
        alive=alive,
        well=alive and (not failing or 2 * failing < parts),
        state=f"{state}, {failing} of {parts} failing" if failing else state,
        handled=report.get("handled", 0),
        rejected=report.get("rejected", 0),
        rate=report.get("rate", 0.0),
        lag=None if lags is None else sum(lags.values()),
        lags=lags or {},
        parts=parts,
        parts_failing=failing,
        failing=report.get("failing", {}),
        restarts=stage["restarts"],
        last_error=error,
        last_error_age=age,
        pid=stage["pid"],
    )


def as_table(lines: list[Status]) -> Table:
    """For a terminal: a row for each, and one for each topic where a stage reads several. Only states may be folded."""
    table = Table(box=None)
    for name in ("", "state", "lag", "rate/s", "handled", "rejected", "restarts"):
        number = name not in {"", "state"}
        table.add_column(name, no_wrap=name != "state", overflow="fold", justify="right" if number else "left")
    for s in lines:
        light = "[green]●[/]" if s.well and not s.parts_failing else "[yellow]●[/]" if s.alive else "[red]●[/]"
        lag = "" if s.lag is None or not s.lags else str(s.lag)
        counts = (f"{s.rate:.1f}", str(s.handled), _noted(s.rejected), _noted(s.restarts)) if s.kind == "stage" else ()
        table.add_row(f"{light} {s.name}", escape(s.state), lag, *counts)
        if len(s.lags) > 1:
            for topic, count in s.lags.items():
                table.add_row(f"[dim]  {topic}[/]", "", f"[dim]{count}[/]")
    return table


def ago(seconds: float) -> str:
    """In words, as coarse as a person would say it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _noted(count: int) -> str:
    return f"[yellow]{count}[/]" if count else "0"
