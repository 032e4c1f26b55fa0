"""`polywire topics`: create them, list them, write their docs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from runtime.settings import Settings
from schemas.topics import CATALOGUE

app = typer.Typer(add_completion=False, help="Create and list the topics; write their docs.", no_args_is_help=True)


@app.command()
def create() -> None:
    """Create the topics that are missing, with their settings. Existing ones are left as they are."""
    from polywire.commands.reading import bus
    from runtime.bus.clients import create_topics

    settings = Settings()
    with bus(settings):
        created = create_topics(settings)
    print(f"created: {', '.join(created)}" if created else "all topics were there already")


@app.command("list")
def list_topics(as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False) -> None:
    """The catalogue: name, key, partitions, clean-up, value."""
    if as_json:
        rows = [
            {
                "name": t.name,
                "key": t.key,
                "partitions": t.partitions,
                "cleanup": t.cleanup,
                "value": t.model.__name__ if t.model else "bytes",
                "config": dict(t.config),
            }
            for t in CATALOGUE
        ]
        print(json.dumps(rows, indent=2))
        return
    table = Table("topic", "key", "partitions", "clean-up", "value", "what", box=None)
    for topic in CATALOGUE:
        value = topic.model.__name__ if topic.model else "bytes"
        table.add_row(topic.name, topic.key, str(topic.partitions), topic.cleanup, value, topic.description)
    Console().print(table)


@app.command()
def docs(
    folder: Annotated[Path, typer.Option(help="Where the documents go.")] = Path("docs"),
) -> None:
    """Write docs/topics.md, asyncapi.json and settings.md from the catalogue, the models and the settings."""
    from runtime import settings_doc
    from schemas.docs import asyncapi_json, topics_markdown

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "topics.md").write_text(topics_markdown(), encoding="utf-8")
    (folder / "asyncapi.json").write_text(asyncapi_json(), encoding="utf-8")
    settings_doc.write(folder)
    print(f"wrote topics.md, asyncapi.json and settings.md in {folder}")
