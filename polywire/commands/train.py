"""`polywire train stories|deals`: fit the shipped weights again from development data (`make train`)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from runtime.errors import UserError
from runtime.settings import Settings

DATA = Path("../shared/data")
DEALS_SENTENCES = Path("tests/data/deals")
DEALS_ARTICLES = Path("tests/data/deals_articles/dev")
app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Fit the shipped weights again from development data."
)


@app.callback()
def _train() -> None:
    """Fit the shipped weights again from development data."""


@app.command()
def stories(
    data: Annotated[Path, typer.Option(help="Folder with headlines-dev, ntrex-dev and itn.")] = DATA,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write the weights; else over the shipped ones.")
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Also fit without the later events, each set, some languages; try each there.")
    ] = True,
) -> None:
    """Fit the clustering's weights, and print what each signal is worth. Some minutes on one core."""
    from quality.training.stories import fit_arrival, fit_repair, fit_second, fit_slope
    from quality.training.story_report import ablation, carried_over
    from quality.training.story_sets import SPLIT, Pairs, load_sets
    from streams.embedding import ModelMissing
    from streams.stories.model import START, WEIGHTS_FILE

    console = Console(highlight=False)
    with Progress(
        TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        disable=not console.is_terminal, transient=True,
    ) as progress:  # fmt: skip
        bar = progress.add_task("reading")
        try:
            sets = load_sets(
                data, Settings().cache_dir, lambda done, of: progress.update(bar, completed=done, total=of)
            )
        except ModelMissing as error:
            raise UserError(str(error)) from error
    early, late = sets["headlines-dev"].split(SPLIT)
    parallel, blurbs = sets["ntrex-dev"], sets["itn"].half()
    sample, near = sets["sample"], sets["near"]
    pairs = {each.name: Pairs(each) for each in (early, late, parallel, blurbs, sample, near)}

    console.print("[bold]Looking back[/]: weights and threshold")
    weights = fit_repair(list(pairs.values()), START, rounds=2, say=console.print)
    console.print("[bold]On arrival[/]: threshold and lexical signals")
    weights = fit_arrival([early, late, parallel, sample, near], weights, say=console.print)
    console.print("[bold]Looking back[/]: threshold again, by whole runs")
    weights = fit_second([early, late, parallel, blurbs, sample, near], weights, say=console.print)
    weights = fit_slope([early, late, parallel, sample, near], weights)
    target = output or WEIGHTS_FILE
    target.write_text(json.dumps(weights.dump(), indent=2) + "\n", encoding="utf-8")
    console.print(f"Wrote {target}\n")

    shown = [early, late, parallel, sets["itn"], sample, near, sets["mixed"]]
    table = Table("", *[each.name for each in shown], title="BCubed F1: what each signal is worth")
    for row in ablation(shown, weights):
        table.add_row(row.what, *[f"{score:.3f}" for score in row.scores])
    console.print(table)
    if check:
        table = Table("left out", "F1 there", "with its own threshold", title="Fitted without, tried on")
        others = [pairs[each.name] for each in (parallel, blurbs, sample, near)]
        for name, score, own in carried_over(pairs[early.name], pairs[late.name], others, START, console.print):
            table.add_row(name, f"{score:.3f}", "" if math.isnan(own) else f"{own:.3f}")
        console.print(table)


@app.command()
def deals(
    corpus: Annotated[list[Path] | None, typer.Option(help="Folders of labelled texts (JSON Lines).")] = None,
    words_only: Annotated[bool, typer.Option("--words-only", help="Without the sentence embedding.")] = False,
    write: Annotated[bool, typer.Option(help="Write over the shipped weights.")] = True,
) -> None:
    """Fit the arms-deal reader, and print what it is worth on languages and phrasings it has not seen. A minute."""
    from quality.training.deals import train_deals
    from streams.embedding import Embedder, ModelMissing

    folders = corpus or [DEALS_SENTENCES, DEALS_ARTICLES]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder")
    embed = None
    if not words_only:
        try:
            embed = Embedder.load(Settings().cache_dir).embed
        except ModelMissing as error:
            raise UserError(str(error)) from error
    report = train_deals(folders, embed, write=write)
    console = Console(highlight=False)
    table = Table("held out by", "P", "R", "F1", "main", "passing", "parties", "act", "status")
    for name, held_out in report.items():
        for of, figures in (("sentences", held_out.sentences), ("articles", held_out.articles)):
            overall = figures.overall
            shares = [figures.groups.get("deal, main"), figures.groups.get("deal, passing")]
            cells = [overall.precision, overall.recall, overall.f1, *(s and s[1] / s[0] for s in shares), figures.roles]
            cells += [right / stated if stated else None for right, stated in (figures.acts, figures.statuses)]
            table.add_row(f"{name}: {of}", *("" if cell is None else f"{cell:.3f}" for cell in cells))
    console.print(table)
    for name, held_out in report.items():
        table = Table(f"what went wrong in articles, held out by {name}", "articles")
        for loss, count in sorted(held_out.losses.items()):
            table.add_row(loss, str(count))
        console.print(table)
    if write:
        console.print("weights written")
