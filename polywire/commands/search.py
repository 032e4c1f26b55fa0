"""`polywire search`: find articles, in any language."""

from __future__ import annotations

from typing import Annotated

import typer

from polywire.commands.reading import AsJson, clean, console, index, listing, moment, print_json
from polywire.commands.reading import since as parse_since
from runtime.errors import UserError
from runtime.settings import Settings

app = typer.Typer(add_completion=False, help="Search the articles, in any language.")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help='Lucene syntax: missiles AND supplier:RU, title:"S-300", country:KZ …')],
    size: Annotated[int, typer.Option(min=1, max=1_000, help="Articles at most.")] = 10,
    lang: Annotated[str | None, typer.Option(help="Only articles in this language (ISO 639 code).")] = None,
    since: Annotated[str | None, typer.Option(help="Only newer ones: 7d, 12h, or a date.")] = None,
    as_json: AsJson = False,
) -> None:
    """Articles that match, best first."""
    from consumers.query import Query, QueryError

    settings = Settings()
    try:
        parsed = Query.parse(query)
    except QueryError as error:
        raise UserError(f"the query cannot be used: {error}") from error
    with index(settings) as reader:
        found = reader.articles(parsed, size=size, language=lang, since=parse_since(since))
    if as_json:
        print_json({"total": found.total, "articles": found.articles})
        return
    columns = ("story", "when", "lang", "source", "title", "")
    rows = [
        (
            article["story_id"], moment(article.get("when")), article.get("language", ""),
            clean(article.get("source"), 24), clean(article.get("title") or article.get("text")),
            "deal" if article.get("arms_deal") else "",
        )
        for article in found.articles
    ]  # fmt: skip
    screen = console()
    screen.print(listing(screen, columns, rows, "title"))
    screen.print(f"[dim]{len(found.articles)} of {found.total}[/]")
