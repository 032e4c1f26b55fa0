"""`polywire process IN.jsonl -o OUT.jsonl`: the whole pipeline over a file, without a bus."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from polywire.commands.reading import standard_input
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.articles import EnrichedArticle, RawArticle
from schemas.readings import Entity, NamedOnly

app = typer.Typer(add_completion=False, help="Put a file through the whole pipeline, without a bus.")

SETTLE_EVERY = 2_000
"""Articles after which the recent stories are looked at again, as the live clusterer does; and at the end."""
UNLINKED = "pw:unlinked"
"""The id of every name that is not known beyond its text, whoever it is: no other text would have an own id for it."""
REJECTED_STATUS = 3
"""Exit status when some lines could not be used; the others were."""


class _Task(NamedTuple):
    number: int
    given_id: str | int
    article: RawArticle


@app.command()
def process(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", help="A line an article: id, title, text and optionally "
                                           "url, source, published (ISO 8601), language. `-` reads standard input.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.jsonl", help="`-` writes standard output.")] =
    Path("-"),
    threads: Annotated[int, typer.Option(min=1, help="Threads of the embedding model.")] = 1,
) -> None:  # fmt: skip
    """Language, story, entities and arms deals of every article in a file.

    Articles are taken in the order of `published` (file order where it is absent); the output has a line an article,
    in input order. Lines that cannot be used are written to OUT.jsonl.rejected (rejected.jsonl in this folder where the
    output is standard output) with their number and reason, and the exit status is 3.
    """
    settings = Settings()
    console = Console(stderr=True, highlight=False)
    tasks, rejected = _read(source)
    # The models take a second to load: not before the file is known to be there.
    from polywire.supervision.prepare import ensure_model
    from streams.embedding import ModelMissing
    from streams.pipeline import Pipeline

    ensure_model(settings, console)
    try:
        pipeline = Pipeline.load(settings.cache_dir, threads=threads, **settings.models)
    except ModelMissing as error:
        raise UserError(str(error)) from error
    results: dict[int, dict[str, Any]] = {}
    ids: dict[str, str | int] = {}
    decided: dict[int, str] = {}
    story_of: dict[str, str] = {}
    with _progress(console, len(tasks)) as progress:
        bar = progress.add_task("reading", total=len(tasks))
        for count, task in enumerate(_in_order(tasks), start=1):
            article = pipeline.process(task.article)
            ids.setdefault(article.id, task.given_id)
            decided[task.number] = article.id
            story_of[article.id] = article.story_id
            results[task.number] = _result(task.given_id, article, ids)
            if count % SETTLE_EVERY == 0 or count == len(tasks):
                story_of.update(pipeline.settle())
            progress.advance(bar)
    for number, article_id in decided.items():
        results[number]["story_id"] = story_of[article_id]
    lines = (json.dumps(results[task.number], ensure_ascii=False) for task in tasks)
    _write(output, lines)
    if rejected:
        aside = Path("rejected.jsonl") if str(output) == "-" else output.with_name(output.name + ".rejected")
        aside.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rejected), encoding="utf-8")
        for line in rejected[:10]:
            console.print(f"[yellow]line {line['line']}:[/]", Text(line["reason"]))
        more = f" ({len(rejected) - 10} more)" if len(rejected) > 10 else ""
        console.print(f"{len(rejected)} of {len(rejected) + len(tasks)} lines could not be used{more}: see {aside}")
        raise typer.Exit(REJECTED_STATUS)


def _read(source: Path) -> tuple[list[_Task], list[dict[str, Any]]]:
    from producers.reading import read_jsonl

    tasks: list[_Task] = []
    rejected: list[dict[str, Any]] = []
    collected = datetime.now(UTC)
    with _opened(source) as stream:
        for line in read_jsonl(stream, default_source=source.stem or "stdin", collected=collected):
            if line.article is not None:
                tasks.append(_Task(line.number, line.original_id or line.article.id, line.article))
            else:
                rejected.append({"line": line.number, "id": line.original_id, "reason": line.reason})
    return tasks, rejected


def _opened(source: Path) -> BinaryIO:
    if str(source) == "-":
        return standard_input()
    try:
        return source.open("rb")
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror}") from error


def _in_order(tasks: list[_Task]) -> Iterator[_Task]:
    """By time of publication; an article without one, or with one that cannot be, comes right after the line before
    it."""
    times: list[tuple[datetime, int]] = []
    latest = datetime.min.replace(tzinfo=UTC)
    for index, task in enumerate(tasks):
        if task.article.when == task.article.published:
            latest = task.article.when
        times.append((latest, index))
    return (tasks[index] for _, index in sorted(times))


def _result(given_id: str | int, article: EnrichedArticle, ids: dict[str, str | int]) -> dict[str, Any]:
    return {
        "id": given_id,
        "language": article.language,
        "language_confidence": round(article.language_confidence, 4),
        "story_id": article.story_id,
        "duplicate_of": ids.get(article.duplicate_of, article.duplicate_of) if article.duplicate_of else None,
        "entities": [*map(_entity, article.entities), *map(_unlinked, article.unlinked)],
        "arms_deal": article.arms_deal,
        "arms_deal_score": round(article.arms_deal_score, 4),
        "deals": [
            d.model_dump(
                include={
                    "act",
                    "status",
                    "supplier",
                    "recipient",
                    "supplier_countries",
                    "recipient_countries",
                    "weapons",
                    "amount",
                    "quantity",
                    "score",
                    "evidence",
                },
                exclude_none=True,
            )
            for d in article.deals
        ],
    }


def _entity(entity: Entity) -> dict[str, Any]:
    """`mentions` are where the name itself stands, `indirect` where an adjective, an inhabitant or a longer name does:
    what is never named itself has an empty list of the former."""
    spots: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for mention in entity.mentions:
        spots[mention.indirect].append(mention.model_dump(exclude={"indirect"}))
    fields = entity.model_dump(include={"id", "type", "name"})
    fields["mentions"] = spots[False]
    if spots[True]:
        fields["indirect"] = spots[True]
    return fields


def _unlinked(name: NamedOnly) -> dict[str, Any]:
    return {
        "id": UNLINKED,
        "type": name.type,
        "name": name.name,
        "mentions": [mention.model_dump(exclude={"indirect"}) for mention in name.mentions],
    }


def _write(output: Path, lines: Iterator[str]) -> None:
    if str(output) == "-":
        for line in lines:
            sys.stdout.write(line + "\n")
        return
    # Whole or not at all: a reader never sees half a file.
    partial = output.with_name(output.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)
    partial.replace(output)


def _progress(console: Console, total: int) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal or not total, transient=True,
    )  # fmt: skip
