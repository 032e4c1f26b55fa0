"""`polywire up`: the engines and every stage, kept running until Ctrl-C."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from polywire.supervision.stopping import Stopped, StopSignal, patient_output
from runtime.addresses import web_url
from runtime.settings import Settings
from schemas.alerts import Alert

app = typer.Typer(add_completion=False, help="Start the engines and every stage, and keep them running.")


class EngineName(StrEnum):
    """See DESIGN: embedded for trying it, jvm for integration, external for production."""

    EMBEDDED = "embedded"
    JVM = "jvm"
    EXTERNAL = "external"


@app.command()
@patient_output()
def up(
    engines: Annotated[EngineName | None, typer.Option(help="embedded: nothing to install, not durable. jvm: the real "
                       "Kafka and Elasticsearch (JDK 17, Maven). external: those that the settings name.")] = None,
    analyzers: Annotated[int, typer.Option(min=1, max=6, help="Processes of the analyze stage, the heavy one.")] = 1,
) -> None:  # fmt: skip
    """Start the engines and every stage, and keep them running until Ctrl-C, which stops everything in order.

    Feeds are polled when there are any (setting `feeds`). Push articles to http://127.0.0.1:8080/articles.
    """
    from polywire.supervision.following import AlertFollower, alert_line
    from polywire.supervision.prepare import ensure_model, web_port
    from polywire.supervision.stages import BACKBONE, FEEDS
    from polywire.supervision.supervisor import Supervisor

    console = Console(highlight=False)
    stop_requested = StopSignal()
    settings = Settings(engines=engines.value) if engines else Settings()
    settings = settings.model_copy(update={"web_port": web_port(settings, strict=True)})

    def tell(who: str, what: str) -> None:
        console.print(f"[dim]{datetime.now():%H:%M:%S}[/] [cyan]{who:9}[/] {escape(what)}")

    def tell_alert(alert: Alert) -> None:
        kind = "[bold red]ALERT[/]    " if alert.kind == "new" else "[yellow]update[/]   "
        console.print(f"[dim]{datetime.now():%H:%M:%S}[/] {kind} {escape(alert_line(alert))}", soft_wrap=True)

    followers: list[AlertFollower] = []

    def follow(running: Settings) -> None:
        followers.append(AlertFollower(running, tell_alert))
        followers[0].start()

    stages = (*BACKBONE, *((FEEDS,) if settings.feeds else ()))
    with (
        contextlib.suppress(Stopped),
        Supervisor(settings, stages, tell, workers={"analyze": analyzers}, before_stages=follow) as supervisor,
    ):
        with stop_requested.at_once():
            ensure_model(settings, console)
            supervisor.start()
        console.print(
            f"\n[bold]polywire is up[/]  {escape(web_url(settings.web_host, settings.web_port))}   "
            f"push articles: POST /articles   `polywire status` in another terminal   Ctrl-C stops\n"
        )
        while not stop_requested:
            supervisor.watch()
            time.sleep(0.5)
        console.print("\nstopping …")
        for follower in followers:
            follower.stop()
    console.print("all stopped")
