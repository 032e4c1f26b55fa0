"""What the length of the lead and 8-bit weights do to the clustering: BCubed F1 through the whole story decision.

    .venv/bin/python quality/bench/embedding_lead.py FILE.jsonl [--articles 480] [--leads 200 400 800] [--float32]

FILE has `id, lang, story, title, text` a line. Of a larger one, whole stories are taken up to so many articles. Only
the vectors differ between the rows that are printed; language, names and numbers are read once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import onnx

from quality.evaluation.labelled import Labelled, cluster, read
from quality.evaluation.stories import evaluate
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle
from streams.analysis import Analyzer
from streams.embedding import Embedder, article_text, build_model, center
from streams.embedding.graph import build_graph
from streams.embedding.weights import PackedWeights, packaged_weights
from streams.stories import Clusterer


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--articles", type=int, default=480)
    arguments.add_argument("--leads", type=int, nargs="+", default=[200, 400, 800])
    arguments.add_argument("--float32", action="store_true", help="also with float32 weights")
    chosen = arguments.parse_args()
    if not chosen.data.exists():
        sys.exit(f"{chosen.data} is not there")
    labelled = _whole_stories(read(chosen.data), chosen.articles)
    stories = len({each.story for each in labelled})
    print(f"{len(labelled)} articles, {stories} stories, {len({each.language for each in labelled})} languages")
    cache_dir = Settings().cache_dir
    build_model(cache_dir)
    embedder = Embedder.load(cache_dir)
    analyzer = Analyzer(embedder)
    analyzed = [analyzer.analyze(each.article) for each in labelled]
    for name, engine in _engines(embedder, chosen.float32):
        for lead in chosen.leads:
            before = time.process_time()
            varied = [_with_vector(article, engine, lead) for article in analyzed]
            spent = (time.process_time() - before) / len(varied) * 1e3
            decided = cluster(varied, Clusterer())
            report = evaluate(
                [each.story for each in labelled],
                [decided[each.article.id][1] for each in labelled],
                [each.language for each in labelled],
            )
            f1 = report.overall.bcubed
            print(
                f"{name:8} {lead:4} characters: BCubed F1 {f1.f1:.4f} (95%: {f1.low:.4f} to {f1.high:.4f}), "
                f"precision {f1.precision:.4f}, recall {f1.recall:.4f}; {spent:.1f} ms an article",
                flush=True,
            )


def _whole_stories(labelled: list[Labelled], most: int) -> list[Labelled]:
    sizes: dict[str, int] = {}
    for each in labelled:
        sizes[each.story] = sizes.get(each.story, 0) + 1
    taken: set[str] = set()
    count = 0
    for story, size in sizes.items():
        if count + size <= most:
            taken.add(story)
            count += size
    return [each for each in labelled if each.story in taken]


def _engines(embedder: Embedder, float32: bool) -> Iterator[tuple[str, Embedder]]:
    yield "int8", embedder
    if float32:
        graph = build_graph(PackedWeights(packaged_weights()), lambda *_: None, quantize=False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "float32.onnx"
            onnx.save(graph, path)
            yield "float32", embedder.with_encoder(path)


def _with_vector(article: AnalyzedArticle, embedder: Embedder, lead: int) -> AnalyzedArticle:
    text = article_text(article.title, article.text, lead)
    vector = center(embedder.embed([text]), [article.language])[0]
    return article.model_copy(update={"embedding": [round(float(x), 5) for x in vector]})


if __name__ == "__main__":
    main()
