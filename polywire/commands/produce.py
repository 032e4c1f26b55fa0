"""`polywire produce`: bring articles in, from files or from feeds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from polywire.commands.reading import standard_input
from runtime import logs
from runtime.errors import UserError
from runtime.settings import FeedSettings, Settings
from runtime.watchdog import WATCHDOG

if TYPE_CHECKING:
    from producers.files import Summary
    from producers.reading import RejectedLines

_SEEDS = Path(__file__).parents[2] / "seeds"
app = typer.Typer(add_completion=False, help="Bring articles in: feeds, files.", no_args_is_help=True)

EXIT_REJECTED = 3
"""Some of the input was rejected; the rest went through."""
_STDIN = Path("-")
_NAMES = 8
"""Names that a message lists at most."""


@app.command()
def files(
    paths: Annotated[
        list[Path],
        typer.Argument(help="JSON Lines files, folders of *.txt (with documents.jsonl), or - for standard input."),
    ],
    rejected: Annotated[
        Path | None,
        typer.Option(help="Where rejected lines go. Default: NAME.rejected beside each input."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Source of articles that name none. Default: the name of the file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Send articles from files, folders or standard input.

    A line of JSON Lines: title, text (one may be empty) and optionally id, url, source, published (ISO 8601),
    language, meta. Bad lines are reported and written down, the others go through; the exit status is then 3.
    """
    from producers.files import KafkaAway, send_lines
    from producers.publisher import Publisher
    from producers.reading import InvalidArticle, Line, RejectedLines, read_folder, read_jsonl

    settings = Settings()
    logs.configure(settings)
    for path in paths:
        if path != _STDIN and not path.exists():
            raise UserError(f"{path} is not there")
    if rejected is not None and len(paths) > 1:
        raise UserError("--rejected takes the rejected lines of one input; give one path")
    collected = datetime.now(UTC)
    err = Console(stderr=True, highlight=False)
    summaries: dict[str, Summary] = {}
    with Publisher.open(settings, "polywire-files") as publisher:
        for path in paths:
            takes = RejectedLines(rejected or _rejected_beside(path))
            progress = _progress(err)
            task = progress.add_task(str(path), total=None if path == _STDIN else _size(path))

            def advance(line: Line, progress: Progress = progress, task: TaskID = task) -> None:
                progress.advance(task, len(line.raw) + 1)

            try:
                with progress, contextlib.ExitStack() as stack:
                    if path == _STDIN:
                        lines = read_jsonl(standard_input(), default_source=source or "stdin", collected=collected)
                    elif path.is_dir():
                        lines = read_folder(path, collected=collected)
                    else:
                        stream = stack.enter_context(path.open("rb"))
                        lines = read_jsonl(stream, default_source=source or path.stem, collected=collected)
                    summaries[str(path)] = send_lines(lines, publisher, takes, on_line=advance)
            except KafkaAway as error:
                raise UserError(f"Kafka at {settings.kafka_bootstrap} does not take articles: {error}") from error
            except InvalidArticle as error:
                raise UserError(str(error)) from error
            finally:
                takes.close()
            if not as_json:
                _say_left_out(err, path, takes, summaries[str(path)])
    if as_json:
        print(json.dumps({name: asdict(summary) for name, summary in summaries.items()}))
    else:
        for name, summary in summaries.items():
            print(f"{name}: {summary.sent} articles sent, {summary.rejected} rejected")
    if any(summary.rejected for summary in summaries.values()):
        raise typer.Exit(EXIT_REJECTED)


def _say_left_out(err: Console, path: Path, takes: RejectedLines, summary: Summary) -> None:
    """On standard error, what of an input did not become an article."""
    if takes.count:
        err.print(f"{path}: {takes.count} rejected, see {takes.path}", markup=False)
    if summary.unknown:
        names = ", ".join(f"{name} (in {count})" for name, count in list(summary.unknown.items())[:_NAMES])
        err.print(f"{path}: fields that have no meaning here and were left out: {names}", markup=False)
    if path.is_dir():
        if not summary.sent and not summary.rejected:
            err.print(f"{path}: no .txt file in it; give JSON Lines files by name", markup=False)
        folders = sorted(each.name for each in path.iterdir() if each.is_dir() and any(each.glob("*.txt")))
        if folders:
            shown = ", ".join(folders[:_NAMES]) + (", ..." if len(folders) > _NAMES else "")
            err.print(f"{path}: folders within are not read, give them by name: {shown}", markup=False)


def _rejected_beside(path: Path) -> Path:
    if path == _STDIN:
        return Path("stdin.rejected")
    path = path.resolve()  # a folder given as `.` has no name
    return path.with_name(path.name + ".rejected")


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size + 1 for file in path.glob("*.txt"))
    return path.stat().st_size


def _progress(console: Console) -> Progress:
    """A bar on a terminal, nothing on a pipe."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


@app.command()
def feeds(
    urls: Annotated[
        list[str] | None, typer.Argument(help="RSS, Atom or JSON feeds. Default: the setting `feeds`.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Poll each feed once, then end.")] = False,
    full_text: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(help="Of feeds named here: read the linked page. auto: where the feed has only a summary."),
    ] = "auto",
    interval: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds between two polls. Default: the setting.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Serve feeds made from seeds/ on loopback and poll them.")
    ] = False,
    seeds: Annotated[
        Path, typer.Option(help="With --demo: the folder of seeds.", show_default="seeds/, of the project")
    ] = _SEEDS,
    pace: Annotated[float, typer.Option(min=0.0, help="With --demo: seconds between two new articles.")] = 0.5,
) -> None:
    """Poll feeds, and send each new or changed item as an article.

    Exit status with --once: 0, or 3 where a feed could not be read or an item was rejected.
    """
    from producers.feeds.demo_server import DemoServer
    from producers.feeds.service import run_feeds

    settings = Settings()
    logs.configure(settings, stage="feeds")
    chosen = [FeedSettings(url=url, full_text=full_text, interval=interval) for url in urls or ()] or settings.feeds
    if demo:
        if not any(seeds.glob("*.txt")):
            raise UserError(f"no seeds in {seeds}: give the folder with --seeds")
        server = DemoServer(seeds, pace=0.0 if once else pace)
        server.start()
        chosen = [FeedSettings(url=url, interval=interval or 2.0) for url in server.feed_urls]
        settings = settings.model_copy(update={"allow_hosts": [*settings.allow_hosts, server.address]})
    if not once:
        WATCHDOG.start()
    if not chosen:
        raise UserError("no feeds: name some, or set `feeds` in polywire.toml or POLYWIRE_FEEDS")
    try:
        failures = asyncio.run(run_feeds(settings, chosen, once=once, remember=not demo))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
    if failures:
        raise typer.Exit(EXIT_REJECTED)
