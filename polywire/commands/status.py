"""`polywire status`: engines and stages: alive, lag, rate, last error."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from polywire.commands.reading import clean, console
from runtime.addresses import web_url
from runtime.errors import UserError
from runtime.runfile import read_run_file
from runtime.settings import Settings

app = typer.Typer(add_completion=False, help="The engines and each stage: alive, lag, rate, last error.")

_ANY = 10_000
"""A width at which every table has room."""


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False) -> None:
    """The engines and each stage of the run in this folder: alive, messages waiting by topic, rate, last error.

    Exit status 0 if all is well; 1 if an engine does not answer, a stage is not alive, or half of the feeds fail.
    """
    from polywire.supervision.status import ago, as_table, collect

    settings = Settings()
    run = read_run_file(settings.state_dir)
    if run is None:
        raise UserError("nothing is up in this folder. Start it with `polywire up` (or `polywire demo`).")
    lines = collect(settings, run)
    if as_json:
        print(json.dumps([asdict(line) for line in lines], indent=2))
    else:
        screen, table = console(), as_table(lines)
        # What is wider than a terminal it folds by itself, and cuts nothing.
        screen.width = max(screen.width, screen.measure(table, options=screen.options.update(width=_ANY)).minimum)
        screen.print(
            f"engines [bold]{settings.engines}[/]  Kafka {settings.kafka_bootstrap}  "
            f"Elasticsearch {settings.elasticsearch_url}  web {escape(web_url(settings.web_host, settings.web_port))}",
            soft_wrap=True,
        )
        screen.print(table)
        for line in lines:
            if line.last_error:
                when = "" if line.last_error_age is None else f", {ago(line.last_error_age)}"
                screen.print(f"{line.name}: last error{when}:", clean(line.last_error), soft_wrap=True)
    if not all(line.well for line in lines):
        raise typer.Exit(1)
