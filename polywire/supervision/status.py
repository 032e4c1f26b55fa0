"""How every stage is: asked of the stage itself, and of Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kafka.errors import KafkaError
from rich.table import Table

from polywire.runtime.kafka import group_lag
from polywire.runtime.settings import Settings
from polywire.supervision.process import fetch_health
from polywire.supervision.stages import GROUPS


@dataclass(frozen=True)
class StageStatus:
    """A line of `polywire status`. `lag` counts messages waiting for the stage's group; None where it has none."""

    name: str
    alive: bool
    state: str
    handled: int
    rejected: int
    rate: float
    lag: int | None
    restarts: int
    last_error: str | None
    pid: int | None


def collect(settings: Settings, run: dict[str, Any]) -> list[StageStatus]:
    """Every stage of a run (see read_run_file)."""
    try:
        lags = {group: sum(by.values()) for group, by in group_lag(settings, GROUPS).items()}
    except KafkaError:
        lags = {}
    found = []
    for stage in run.get("stages", []):
        report = fetch_health(stage["metrics_port"]) or {}
        found.append(
            StageStatus(
                name=stage["name"],
                alive=bool(report.get("alive")),
                state=report.get("reason", "no answer"),
                handled=report.get("handled", 0),
                rejected=report.get("rejected", 0),
                rate=report.get("rate", 0.0),
                lag=lags.get(stage["group"]) if stage["group"] else None,
                restarts=stage["restarts"],
                last_error=report.get("last_error") or stage["last_error"],
                pid=stage["pid"],
            )
        )
    return found


def as_table(stages: list[StageStatus]) -> Table:
    """For a terminal."""
    table = Table("stage", "", "lag", "rate/s", "handled", "rejected", "restarts", "last error", box=None)
    for name in ("lag", "rate/s", "handled", "rejected", "restarts"):
        next(c for c in table.columns if c.header == name).justify = "right"
    for s in stages:
        light = "[green]●[/]" if s.alive else "[red]●[/]"
        table.add_row(
            f"{light} {s.name}",
            s.state,
            "" if s.lag is None else str(s.lag),
            f"{s.rate:.1f}",
            str(s.handled),
            f"[yellow]{s.rejected}[/]" if s.rejected else "0",
            f"[yellow]{s.restarts}[/]" if s.restarts else "0",
            (s.last_error or "")[:80],
        )
    return table
