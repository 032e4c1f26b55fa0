"""Speed of reading entities, and how well two languages of one document agree.

    python quality/bench/entities.py [FILE.jsonl]

FILE has `lang`, `title`, `text`, `story` a line (parallel news, say); without one the seeds are read.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

from quality.evaluation.entities import evaluate_entities

SEEDS = Path(__file__).parents[2] / "seeds" / "sample.jsonl"


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    if not path.exists():
        sys.exit(f"{path} is not there")
    before = time.perf_counter()
    from streams.entities import EntityRecognizer, unify_persons

    recognizer = EntityRecognizer()
    recognizer.recognize("first", "en")
    print(f"load, English alone: {time.perf_counter() - before:.2f} s")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    before = time.perf_counter()
    for language in {row["lang"]: row for row in rows}.values():
        recognizer.recognize(f"{language['title']}\n{language['text']}", language["lang"])
    print(f"load, all {len({row['lang'] for row in rows})} languages: {time.perf_counter() - before:.2f} s")
    seconds: dict[str, float] = defaultdict(float)
    characters: dict[str, int] = defaultdict(int)
    for row in rows:
        text = f"{row['title']}\n{row['text']}"
        before = time.process_time()
        recognizer.recognize(text, row["lang"])
        seconds[row["lang"]] += time.process_time() - before
        characters[row["lang"]] += len(text)
    each = "  ".join(f"{k} {seconds[k] / characters[k] * 1e6:.2f}" for k in sorted(seconds))
    print(f"CPU ms per 1,000 characters: {sum(seconds.values()) / sum(characters.values()) * 1e6:.2f}  ({each})")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    report = evaluate_entities(path, recognizer.subjects, unify_persons)
    print(f"Jaccard of ids over {report.pairs} pairs of languages: {report.jaccard:.3f}")
    print("  by language: " + "  ".join(f"{k} {v:.3f}" for k, v in report.jaccard_by_language.items()))
    print("  by type: " + "  ".join(f"{k} {v:.3f}" for k, v in report.jaccard_by_type.items()))
    for key, counts in report.mentions.items():
        print(f"  mentions {key}: recall {counts.recall:.3f} precision {counts.precision:.3f} of {counts.gold}")


if __name__ == "__main__":
    main()
