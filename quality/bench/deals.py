"""Milliseconds an article costs to read for arms deals, beside entities and the embedder.

    .venv/bin/python quality/bench/deals.py ARTICLES.jsonl [--limit 300]

Lines carry `lang`, `title` and `text`. Prints processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runtime.settings import Settings
from streams.deals import DealReader
from streams.embedding import Embedder
from streams.entities import EntityRecognizer


def main() -> None:
    """Read every article twice, time the second reading."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--limit", type=int, default=300)
    options = parser.parse_args()
    with options.articles.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = rows[:: max(1, len(rows) // options.limit)][: options.limit]
    embedder, recognizer, reader = Embedder.load(Settings().cache_dir), EntityRecognizer(), DealReader()
    seconds = dict.fromkeys(("article embedding", "entities", "deals", "of which sentence embedding"), 0.0)
    sentences = 0

    def embed(texts: Sequence[str]) -> np.ndarray:
        nonlocal sentences
        begin = time.process_time()
        vectors = embedder.embed(texts)
        seconds["of which sentence embedding"] += time.process_time() - begin
        sentences += len(texts)
        return vectors

    for _ in range(2):
        seconds = dict.fromkeys(seconds, 0.0)
        sentences = 0
        for row in rows:
            title, text, language = row.get("title", ""), row.get("text", ""), row["lang"].split("-")[0]
            marks = [time.process_time()]
            embedder.embed_article(title, text, language)
            marks.append(time.process_time())
            entities = recognizer.recognize(f"{title}\n{text}", language)
            marks.append(time.process_time())
            reader.read(title, text, language, entities, embed)
            marks.append(time.process_time())
            for name, begin, end in zip(("article embedding", "entities", "deals"), marks, marks[1:], strict=False):
                seconds[name] += end - begin
    for name, total in seconds.items():
        print(f"{name:28} {1000 * total / len(rows):7.2f} ms an article")
    share = (seconds["entities"] + seconds["deals"]) / seconds["article embedding"]
    print(f"entities and deals take {share:.2f} of the embedder's time; {sentences / len(rows):.2f} sentences embedded")


if __name__ == "__main__":
    main()
