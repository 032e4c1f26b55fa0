"""`polywire demo`: everything at once, on the seeds."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from consumers.alerts.subscriptions import begun_now
from polywire.supervision.demo import BusReader, DemoState, founding_beginnings
from polywire.supervision.prepare import ensure_model, web_port
from polywire.supervision.stages import BACKBONE, DEMO_FEEDS
from polywire.supervision.stopping import Stopped, StopSignal, patient_output
from polywire.supervision.supervisor import Supervisor
from polywire.supervision.views import LiveView, PlainView, View
from runtime.addresses import web_url
from runtime.bus.clients import make_producer, publish
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.alerts import Alert, Channel, Subscription
from schemas.topics import SUBSCRIPTIONS

app = typer.Typer(
    add_completion=False, help="Start everything, feed it the seeds, watch stories form and the alert arrive."
)

_PATIENCE = 120.0
"""Seconds until the founding story's alert must have come."""
_SEEDS = Path(__file__).parents[2] / "seeds"


@app.command()
@patient_output()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself after the alert: status 0, or 1 with the reason "
                                       "if it does not come within 120 s.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live screen (as on a pipe).")] = False,
) -> None:  # fmt: skip
    """Start everything, feed it the seeds, watch stories form and the alert arrive.

    Embedded engines, every stage as its own process, a subscription to arms deals, and a feed made of `seeds/`, served
    and polled on the loopback address. Runs until Ctrl-C, which stops everything in order. Each demo starts anew.
    """
    console = Console(highlight=False)
    view: View = LiveView(console) if console.is_terminal and not plain else PlainView(console)
    if not _SEEDS.is_dir():
        raise UserError(f"the demo feeds on {_SEEDS}, which is not there: run it from a clone of the project")
    base = Settings()
    settings = base.model_copy(
        update={
            "engines": "embedded",
            "state_dir": (base.state_dir / "demo").absolute(),
            "web_port": web_port(base, strict=False),
        }
    )
    stop = StopSignal()
    started = time.monotonic()
    supervisor = Supervisor(
        settings, (*BACKBONE, DEMO_FEEDS), lambda who, what: view.tell(time.monotonic() - started, who, what),
        run_dir=base.state_dir,
        environment={"POLYWIRE_ALLOW_HOSTS": json.dumps(["127.0.0.1"])},
        before_stages=_subscribe,
        fresh=True,
    )  # fmt: skip
    failed = False
    with contextlib.suppress(Stopped), supervisor:
        with stop.at_once():
            ensure_model(settings, console)
            supervisor.start()
        run = _Run(supervisor, view, started, stop)
        try:
            alert = run.watch(until_alert=once)
        finally:
            run.close()
        if alert is not None:
            console.print(_summary(alert, run), soft_wrap=True)
        failed = once and not stop and (alert is None or run.fired_twice)
        if failed:
            console.print("[red]The demo failed:[/]", Text(run.why_not(alert)))
        console.print("stopping …")
    console.print("all stopped")
    if failed:
        raise typer.Exit(1)


class _Run:
    """A demo that is up."""

    def __init__(self, supervisor: Supervisor, view: View, started: float, stop: StopSignal) -> None:
        self._supervisor = supervisor
        self._view = view
        self._started = started
        self._stop = stop
        self._state = DemoState()
        self._reader = BusReader(supervisor.settings, self._state)
        self._reader.start()
        self.alert_after = 0.0

    @property
    def url(self) -> str:
        """Of the web page."""
        return web_url(self._supervisor.settings.web_host, self._supervisor.settings.web_port)

    @property
    def fired_twice(self) -> bool:
        """An alert came as new more than once: what must never happen."""
        return any(count > 1 for count in self._state.new_alerts.values())

    def watch(self, *, until_alert: bool) -> Alert | None:
        """Show what happens until told to stop; `until_alert`: or until the alert is there, or the time is up."""
        beginnings = founding_beginnings(_SEEDS)
        alert: Alert | None = None
        while not self._stop:
            self._supervisor.watch()
            seconds = time.monotonic() - self._started
            with self._reader.lock:
                latest = self._state.founding_alert(beginnings)
                if latest is not None and alert is None:
                    self.alert_after = seconds
                alert = latest or alert
                self._view.show(self._state, self._supervisor.processes, seconds, self._notice(alert))
            if until_alert and (alert is not None or seconds > _PATIENCE):
                break
            time.sleep(0.25)
        return alert

    def _notice(self, alert: Alert | None) -> str:
        page = f"web page {self.url} · Ctrl-C stops"
        if alert is None:
            return page
        languages = " and ".join(alert.languages)
        return f"one alert for the founding story, in {languages}, after {self.alert_after:.0f} s · {page}"

    def why_not(self, alert: Alert | None) -> str:
        """What is known of the reason when the alert did not come, or came twice."""
        if alert is not None:
            return "an alert came as new more than once for one story"
        errors = [f"{p.name}: {p.last_error}" for p in self._supervisor.processes if p.last_error]
        for process in self._supervisor.processes:
            report = process.health() or {}
            if report.get("last_error"):
                errors.append(f"{process.name}: {report['last_error']}")
        state = self._state
        counts = f"{state.article_count} articles in {len(state.stories)} stories, {len(state.alerts)} alerts"
        return f"no alert for the founding story within {_PATIENCE:.0f} s ({counts}). " + (
            "; ".join(errors)
            or f"No stage reported an error; logs are in {self._supervisor.settings.state_dir / 'logs'}."
        )

    def close(self) -> None:
        """Stop reading and showing."""
        self._reader.stop()
        self._view.close()


def _subscribe(settings: Settings) -> None:
    """The demo's user wants to be told of arms deals, on this terminal."""
    subscription = Subscription(
        id="demo-arms-deals",
        name="Arms deals",
        owner="demo",
        query="arms_deal:true",
        channels=[Channel(kind="terminal", updates=True)],
        created=datetime.now(UTC),
    )
    producer = make_producer(settings, "polywire-demo")
    try:
        publish(producer, SUBSCRIPTIONS, subscription.id, begun_now(settings, subscription)).get(timeout=30)
    finally:
        producer.close()


def _summary(alert: Alert, run: _Run) -> str:
    return (
        f"\n[bold green]One story, every language, one alert:[/] {escape(alert.title)}\n"
        f"in {' and '.join(alert.languages)} from {', '.join(alert.sources)}, "
        f"{run.alert_after:.0f} s after the start. Web page: {run.url}"
    )
