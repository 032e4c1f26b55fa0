"""`polywire index`: make the indices, see what they are, and put a new version in the place of one that is not as it
should be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from polywire.commands.reading import AsJson, console, elasticsearch, listing, print_json
from runtime.errors import UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumers.index.standing import Standing

app = typer.Typer(add_completion=False, help="Make, look at and migrate the indices.", no_args_is_help=True)

_MIGRATE = "polywire index migrate"


@app.command()
def create(as_json: AsJson = False) -> None:
    """Make what is missing: templates, indices, aliases, fields. Consumers do so when they start; safe at any time."""
    from consumers.index import ensure_indices

    settings = Settings()
    with elasticsearch(settings) as es:
        shapes = ensure_indices(es, settings.index_prefix)
    made = {f"{settings.index_prefix}-{name}": shape.index for name, shape in shapes.items()}
    if as_json:
        print_json(made)
        return
    for alias, index in made.items():
        print(f"{alias} is {index}")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Each index: its version, how much is in it, in what it is not as it should be, and what to do about that."""
    from consumers.index.standing import standing

    settings = Settings()
    with elasticsearch(settings) as es:
        found = standing(es, settings.index_prefix)
    if as_json:
        print_json([{**asdict(one), "differences": [asdict(d) for d in one.differences]} for one in found])
        return
    screen = console()
    rows = [[one.name, one.index or "-", f"{one.documents:,}", _size(one.bytes), one.state] for one in found]
    screen.print(listing(screen, ["index", "version", "documents", "size", "state"], rows, "state"))
    for one in found:
        for text in _advice(one, settings.index_prefix):
            screen.print(text, soft_wrap=True, markup=False)


@app.command()
def migrate(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="articles, stories, alerts, alert-state or deliveries; all if none."),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Also where nothing differs: every document is made anew.")
    ] = False,
    remove_old: Annotated[
        bool, typer.Option("--remove-old", help="Delete the versions that have been replaced, now or earlier.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill a new version of each index that is not as it should be, and put it in its place.

    Consumers, the web page and searches go on meanwhile; nothing need be stopped. Writing pauses for a moment before
    the switch. Stopped or killed at any point, run it again: it goes on.
    """
    from consumers.index import INDICES
    from consumers.index.migration import Migration
    from consumers.index.migration import remove_old as remove

    wanted = list(dict.fromkeys(names or INDICES))
    for name in wanted:
        if name not in INDICES:
            raise UserError(f"there is no index {name!r}; there are {', '.join(INDICES)}")
    settings = Settings()
    facts: list[dict[str, Any]] = []
    with elasticsearch(settings) as es:
        for name in wanted:
            with _progress(name) as on_copied:
                done = Migration(es, settings.index_prefix, name, on_copied).run(rebuild=rebuild)
            removed = remove(es, settings.index_prefix, name) if remove_old else []
            facts.append({"name": name, "migrated": asdict(done) if done else None, "removed": removed})
            if not as_json:
                if done:
                    print(f"{settings.index_prefix}-{name} is {done.new} now: {done.documents} documents")
                    if done.as_they_were:
                        print(f"  {done.as_they_were} copied as they were: nothing is kept to make them anew from")
                    if not remove_old:
                        print(f"  {done.old} is kept and closed to writing; {_MIGRATE} --remove-old deletes it")
                else:
                    print(f"{settings.index_prefix}-{name} is as it should be")
                for index in removed:
                    print(f"  {index} is deleted")
    if as_json:
        print_json(facts)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing on a pipe."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=None)

        def on_copied(count: int, total: int) -> None:
            bar.update(task, advance=count, total=max(total, int(bar.tasks[task].completed) + count))

        yield on_copied


def _advice(one: Standing, prefix: str) -> Iterator[str]:
    alias = f"{prefix}-{one.name}"
    if one.plain:
        yield (
            f"{alias} is a plain index, which something wrote while the alias was gone; no alias can be made in its "
            f"place. Delete it (curl -X DELETE ELASTICSEARCH/{alias}), then run polywire index create; what is in it "
            "alone is lost, and comes again where its topic is read again"
        )
    elif one.index is None:
        yield f"{alias} is not there: polywire index create makes it"
    for difference in one.differences:
        yield f"{alias}: {difference}"
    if one.to_migrate:
        yield f"  {_MIGRATE} {one.name} makes a version that is as it should be; nothing need be stopped for it"
    elif any(difference.kind == "missing" for difference in one.differences):
        yield "  polywire index create adds it, or the next consumer that starts"
    if one.unfinished:
        yield f"{alias}: the migration to {one.unfinished} was not finished: {_MIGRATE} {one.name} goes on with it"
    if one.blocked:
        yield f"{alias}: writing to {one.index} is stopped: {one.blocked}"
    for index in one.replaced:
        yield f"{alias}: {index} has been replaced; {_MIGRATE} {one.name} --remove-old deletes it"


def _size(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB"):
        if size < 1_000:
            return f"{size:.0f} {unit}"
        size /= 1_000
    return f"{size:.1f} GB"
