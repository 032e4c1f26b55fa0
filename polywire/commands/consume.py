"""`polywire consume`: run one consumer, as its own process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.bus.marks import REJECTED_LIMIT
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.bus.outcomes import Handler
    from runtime.health import StageHealth

app = typer.Typer(add_completion=False, help="Run a consumer: indexer, alerter, notifier.", no_args_is_help=True)

_Limit = Annotated[
    int,
    typer.Option(
        "--dead-letter-limit",
        min=1,
        help="Stop when so many messages in a row of one partition had to be rejected, counted across restarts. It "
        "stays stopped until `polywire deadletters resume`.",
    ),
]


@app.command()
def indexer(dead_letter_limit: _Limit = REJECTED_LIMIT) -> None:
    """Write articles, stories and alerts into Elasticsearch."""
    from consumers.indexer import Indexer
    from runtime.elastic import make_client

    settings, health = _prepare(Indexer.stage)
    _run(settings, Indexer(make_client(settings), settings.index_prefix), health, dead_letter_limit)


@app.command()
def alerter(dead_letter_limit: _Limit = REJECTED_LIMIT) -> None:
    """Match articles against the subscriptions; one alert per subscription and story."""
    from consumers.alerter import Alerter
    from runtime.bus.clients import make_producer
    from runtime.elastic import make_client

    settings, health = _prepare(Alerter.stage)
    handler = Alerter(settings, make_client(settings), make_producer(settings, "polywire-alerter"), health.beat)
    _run(settings, handler, health, dead_letter_limit)


@app.command()
def notifier(dead_letter_limit: _Limit = REJECTED_LIMIT) -> None:
    """Tell subscribers of alerts: on the terminal, by signed webhooks."""
    from consumers.notifier import Notifier
    from runtime.bus.clients import make_producer
    from runtime.elastic import make_client

    settings, health = _prepare(Notifier.stage)
    handler = Notifier(settings, make_client(settings), make_producer(settings, "polywire-notifier"), health)
    _run(settings, handler, health, dead_letter_limit)


def _prepare(stage: str) -> tuple[Settings, StageHealth]:
    from runtime import logs
    from runtime.health import StageHealth
    from runtime.watchdog import WATCHDOG

    settings = Settings()
    logs.configure(settings, stage=stage)
    WATCHDOG.start()
    return settings, StageHealth(stage)


def _run(settings: Settings, handler: Handler, health: StageHealth, limit: int) -> None:
    from runtime.bus.loop import run_consumer

    run_consumer(settings, handler, health=health, dead_letter_limit=limit)
