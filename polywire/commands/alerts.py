"""`polywire alerts`: what was told."""

from __future__ import annotations

from typing import Annotated

import typer

from polywire.commands.ids import whole_id
from polywire.commands.reading import AsJson, clean, console, index, listing, moment, print_json, some
from polywire.commands.reading import since as parse_since
from runtime.settings import Settings

app = typer.Typer(add_completion=False, help="What was told.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """What was told."""


@app.command("list")
def list_alerts(
    subscription: Annotated[str | None, typer.Option(help="Only of this subscription.")] = None,
    story: Annotated[str | None, typer.Option(help="Only of this story: its id, or its beginning.")] = None,
    since: Annotated[str | None, typer.Option(help="Only newer ones: 7d, 12h, or a date.")] = None,
    size: Annotated[int, typer.Option(min=1, max=1_000, help="Alerts at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Alerts as they stand now, the newest first: one for each subscription and story."""
    settings = Settings()
    with index(settings) as reader:
        if story:
            story = whole_id(reader, "story", story)
        found = reader.alerts(limit=size, subscription=subscription, story_id=story, since=parse_since(since))
    if as_json:
        print_json([alert.model_dump(mode="json") for alert in found])
        return
    columns = ("story", "at", "subscription", "title", "languages", "articles", "updates")
    rows = [
        (
            alert.story_id, moment(alert.at), clean(alert.subscription_name, 24), clean(alert.title),
            some(alert.languages), str(alert.article_count), str(alert.revision - 1),
        )
        for alert in found
    ]  # fmt: skip
    screen = console()
    screen.print(listing(screen, columns, rows, "title") if rows else "[dim]no alerts[/]")
