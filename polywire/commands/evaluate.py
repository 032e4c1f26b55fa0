"""`polywire evaluate deals|entities|language|stories`: quality on labelled articles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from runtime.errors import UserError
from runtime.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Measure quality on labelled articles.")

Data = Annotated[Path, typer.Option("--data", help="JSON Lines with gold fields `lang` and `story`.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")]


@app.callback()
def _evaluate() -> None:
    """Measure quality on labelled articles."""


@app.command()
def stories(
    data: Data,
    predictions: Annotated[
        Path | None, typer.Option(help="What `polywire process` wrote for these articles; else they are run now.")
    ] = None,
    arrival: Annotated[bool, typer.Option(help="The stories as decided on arrival, before any second look.")] = False,
    as_json: Json = False,
) -> None:
    """BCubed and pairwise precision, recall and F1: in all, by language and by language pair."""
    from quality.evaluation.labelled import analyzed, cluster, read
    from quality.evaluation.stories import evaluate

    labelled = read(data)
    if predictions is not None:
        found = _read_predictions(predictions)
        missing = [each.id for each in labelled if each.id not in found]
        if missing:
            raise UserError(f"{predictions} says nothing of {len(missing)} articles, the first is {missing[0]}")
        predicted = [found[each.id] for each in labelled]
    else:
        from streams.analysis import Analyzer
        from streams.embedding import ModelMissing
        from streams.stories import Clusterer

        try:
            settings = Settings()
            analyzer = Analyzer.load(settings.cache_dir, **settings.models)
        except ModelMissing as error:
            raise UserError(str(error)) from error
        decided = cluster(analyzed(labelled, analyzer.analyze), Clusterer(), settle=not arrival)
        predicted = [decided[each.article.id][1] for each in labelled]
    report = evaluate([each.story for each in labelled], predicted, [each.language for each in labelled])
    if as_json:
        typer.echo(json.dumps(report.dump(), ensure_ascii=False))
        return
    console = Console(highlight=False)
    overall = report.overall
    console.print(f"{overall.articles} articles, {overall.stories} true stories, {overall.predicted} predicted ones\n")
    for name, figure in (("BCubed", overall.bcubed), ("pairwise", overall.pairwise)):
        console.print(
            f"{name:9} precision {figure.precision:.4f}  recall {figure.recall:.4f}  [bold]F1 {figure.f1:.4f}[/]"
            f"  (95%: {figure.low:.4f} to {figure.high:.4f})"
        )
    table = Table("language", "articles", "BCubed P", "R", "F1", "pairwise P", "R", "F1", title="Within a language")
    for language, part in report.languages.items():
        b, p = part.bcubed, part.pairwise
        table.add_row(language, str(part.articles), *_cells(b.precision, b.recall, b.f1, p.precision, p.recall, p.f1))
    console.print(table)
    table = Table("languages", "links", "pairwise P", "R", "F1", title="Between two languages (most links first)")
    for pair, figure in list(report.pairs.items())[:20]:
        scores = _cells(figure.precision, figure.recall, figure.f1)
        table.add_row(" ".join(pair), str(report.pair_counts[pair]), *scores)
    console.print(table)
    if len(report.pairs) > 20:
        console.print(f"and {len(report.pairs) - 20} more language pairs: --json has them all")


@app.command()
def language(
    data: Data,
    headlines: Annotated[bool, typer.Option(help="Look at the titles alone.")] = False,
    length: Annotated[
        int | None, typer.Option(min=1, help="Look at so many characters of title and text at most.")
    ] = None,
    least: Annotated[int, typer.Option(min=1, help="Leave out languages with fewer articles.")] = 1,
    as_json: Json = False,
) -> None:
    """Accuracy of the language: in all, by language, what is taken for what, and how honest the confidence is."""
    from quality.evaluation.language import detect_all, evaluate
    from streams.language import LanguageDetector

    with _reading(data, "is not JSON Lines with a field `lang`"):
        articles = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines() if line.strip()]
        counts = Counter(article["lang"] for article in articles)
    articles = [article for article in articles if counts[article["lang"]] >= least]
    if not articles:
        raise UserError(f"{data} has no language with {least} articles")
    found = detect_all(articles, LanguageDetector().detect, headlines=headlines, length=length)
    report = evaluate([article["lang"] for article in articles], found)
    if as_json:
        typer.echo(json.dumps(report.dump(), ensure_ascii=False))
        return
    console = Console(highlight=False)
    console.print(f"{report.articles} articles in {len(report.languages)} languages")
    console.print(
        f"accuracy [bold]{report.macro:.4f}[/] as the mean over languages (95%: {report.low:.4f} to "
        f"{report.high:.4f}), {report.accuracy:.4f} over articles"
    )
    table = Table("language", "articles", "right", "accuracy", "und", title="Languages with an error, worst first")
    worst = sorted(report.languages.items(), key=lambda item: (item[1].accuracy, item[0]))
    for code, figure in worst:
        if figure.right < figure.articles:
            row = (figure.articles, figure.right, f"{figure.accuracy:.3f}", figure.undetermined)
            table.add_row(code, *map(str, row))
    console.print(table)
    table = Table("is", "taken for", "articles", title="Confusions")
    for gold, wrong, count in report.confusions[:25]:
        table.add_row(gold, wrong, str(count))
    console.print(table)
    table = Table("confidence", "articles", "mean confidence", "accuracy", title="Calibration")
    for each in report.calibration:
        table.add_row(
            f"{each.low:.1f} to {each.high:.1f}", str(each.articles), f"{each.confidence:.3f}", f"{each.accuracy:.3f}"
        )
    console.print(table)
    console.print(f"calibration error {report.calibration_error:.4f}")


@app.command()
def deals(
    data: Annotated[
        Path, typer.Option("--data", help="JSON Lines (or a folder) with gold fields `lang`, `arms_deal` and `deals`.")
    ],
    predictions: Annotated[
        Path | None, typer.Option(help="What `polywire process` wrote for these articles; else they are read now.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Arms-deal mentions: precision, recall and F1 in all and by language, parties, act and status, calibration."""
    from quality.evaluation.deals import Figure, evaluate_deals, reader

    report = evaluate_deals(
        data, predictions=predictions, read=reader(Settings().cache_dir) if predictions is None else None
    )
    if as_json:
        typer.echo(json.dumps(report.dump(), ensure_ascii=False))
        return
    console = Console(highlight=False)

    def cells(figure: Figure) -> list[str]:
        scores = _cells(figure.precision, figure.recall, figure.f1)
        return [str(figure.articles), str(figure.deals), *scores, f"{figure.low:.3f} to {figure.high:.3f}"]

    table = Table("language", "articles", "with a deal", "precision", "recall", "F1", "95%")
    table.add_row("[bold]all[/]", *cells(report.overall))
    for code, figure in report.languages.items():
        table.add_row(code, *cells(figure))
    console.print(table)
    console.print(
        f"supplier and recipient both right: [bold]{report.roles:.3f}[/] of {report.roles_stated} where both are stated"
        f" ({report.roles_when_found:.3f} where the deal was found)"
    )
    for name, (right, stated) in (("act", report.acts), ("status", report.statuses)):
        if stated:
            console.print(f"{name} right: {right / stated:.3f} of {stated} deals read with the right parties")
    console.print(f"calibration error {report.calibration_error:.3f}, Brier score {report.brier:.3f}")
    if report.groups:
        table = Table("what the text is", "articles", "read as having a deal")
        for name, (articles, found) in report.groups.items():
            table.add_row(name, str(articles), str(found))
        console.print(table)
    if report.confusions:
        table = Table("read for what is true", "deals")
        for name, count in list(report.confusions.items())[:12]:
            table.add_row(name, str(count))
        console.print(table)


@app.command()
def entities(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="JSON Lines with `lang`, and `story` (translations) or gold `entities`."),
    ] = None,
    mentions: Annotated[
        Path | None, typer.Option("--mentions", help="LANGUAGE.txt with all names marked, or a folder of such files.")
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="Of the marked texts only those for `dev`, or those `held-out`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Entities: how far translations of one document agree on ids, and mentions against gold ones where given."""
    if (data is None) == (mentions is None):
        raise UserError("give either --data or --mentions")
    if mentions is not None:
        _mentions(mentions, part, as_json=as_json)
        return
    assert data is not None
    from quality.evaluation.entities import evaluate_entities
    from streams.entities import EntityRecognizer, unify_persons

    with _reading(data, "cannot be used"):
        report = evaluate_entities(data, EntityRecognizer(name_models=Settings().name_models).subjects, unify_persons)
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False))
        return
    console = Console(highlight=False)
    console.print(f"{report.documents} documents")
    if report.pairs:
        console.print(
            f"Jaccard of entity ids, mean over {report.pairs} pairs of translations: [bold]{report.jaccard:.3f}[/]"
        )
        for title, figures in (("language", report.jaccard_by_language), ("type", report.jaccard_by_type)):
            table = Table(title, "Jaccard")
            for key, value in sorted(figures.items(), key=lambda item: item[1]):
                table.add_row(key, f"{value:.3f}")
            console.print(table)
    if report.mentions:
        table = Table("language", "gold mentions", "precision", "recall")
        for key, counts in sorted(report.mentions.items()):
            table.add_row(key, str(counts.gold), *_cells(counts.precision, counts.recall))
        console.print(table)


def _mentions(path: Path, part: str | None, *, as_json: bool) -> None:
    from quality.evaluation.mentions import evaluate_mentions, read_marked
    from streams.entities import EntityRecognizer

    if part not in (None, "dev", "held-out"):
        raise UserError(f"--part is dev or held-out, not {part}")
    with _reading(path, "cannot be used"):
        texts = [each for each in read_marked(path) if part in (None, each.part)]
    report = evaluate_mentions(texts, EntityRecognizer(name_models=Settings().name_models).read)
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table("names of", "gold", "precision", "recall", "F1", "exact P", "R", "F1", title=f"{len(texts)} texts")
    for key, near in report.overlapping.items():
        same = report.exact[key]
        scores = _cells(near.precision, near.recall, near.f1, same.precision, same.recall, same.f1)
        table.add_row(key, str(near.gold), *scores)
    console.print(table)


def _read_predictions(path: Path) -> dict[str, str]:
    with _reading(path, "is not what `polywire process` writes"):
        lines = path.read_text(encoding="utf-8").splitlines()
        return {str(line["id"]): str(line["story_id"]) for line in map(json.loads, lines)}


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Around the reading of a file that somebody names: what is wrong with it is told in one line."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except KeyError as error:
        raise UserError(f"{path} {what}: field {error} is missing") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} {what}: {error}") from error


def _cells(*figures: float) -> list[str]:
    return [f"{figure:.3f}" for figure in figures]
