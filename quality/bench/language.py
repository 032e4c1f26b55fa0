"""Cost of detecting a language: ours against CLD2 alone, in one run, on the same articles.

    .venv/bin/python quality/bench/language.py [FILE.jsonl]

FILE has `title` and `text` a line; without one the seeds are read. Processor time is counted.
In the first round no word has been seen before; a detector that runs sees few words that it has not.
`polywire evaluate language` has the quality, `quality/bench/language_held_out.py` that on what nothing was fitted on.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pycld2

from streams.language import LanguageDetector
from streams.language.evidence import PLACE_LENGTH, TEXT_PLACES, TITLE_LENGTH
from streams.language.words import clean

SEEDS = Path(__file__).parents[2] / "seeds" / "sample.jsonl"
ROUNDS = 3
TEXT_LENGTH = TEXT_PLACES * PLACE_LENGTH
"""CLD2 alone gets as much text as the detector looks at."""


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    if not path.exists():
        sys.exit(f"{path} is not there")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    before = time.process_time()
    detector = LanguageDetector()
    print(f"load {time.process_time() - before:.2f} s")
    for number in range(1, ROUNDS + 1):
        before = time.process_time()
        for row in rows:
            detector.detect(row["title"], row["text"])
        ours = (time.process_time() - before) / len(rows) * 1e3
        before = time.process_time()
        for row in rows:
            pycld2.detect(clean(f"{row['title'][:TITLE_LENGTH]} {row['text'][:TEXT_LENGTH]}"), bestEffort=True)
        alone = (time.process_time() - before) / len(rows) * 1e3
        print(f"round {number}: ours {ours:.3f} ms an article (goal .3), CLD2 {alone:.3f} ms, ratio {ours / alone:.1f}")


if __name__ == "__main__":
    main()
