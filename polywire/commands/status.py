"""`polywire status`: each stage: alive, lag, rate, last error."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from polywire.runtime.errors import UserError
from polywire.runtime.runfile import read_run_file
from polywire.runtime.settings import Settings

app = typer.Typer(add_completion=False, help="Each stage: alive, lag, rate, last error.")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False) -> None:
    """Each stage of the run in this folder: alive, messages waiting, rate, last error. Status 1 if one is not alive."""
    from polywire.supervision.status import as_table, collect

    settings = Settings()
    run = read_run_file(settings.state_dir)
    if run is None:
        raise UserError("nothing is up in this folder. Start it with `polywire up` (or `polywire demo`).")
    stages = collect(settings, run)
    if as_json:
        print(json.dumps([asdict(s) for s in stages], indent=2))
    else:
        console = Console()
        console.print(
            f"engines [bold]{settings.engines}[/]  Kafka {settings.kafka_bootstrap}  "
            f"Elasticsearch {settings.elasticsearch_url}  web http://{settings.web_host}:{settings.web_port}",
            highlight=False,
        )
        console.print(as_table(stages))
    if not all(s.alive for s in stages):
        raise typer.Exit(1)
