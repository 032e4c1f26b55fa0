"""How often the language is right on texts that the detector was not fitted on; ours and CLD2 alone.

    .venv/bin/python quality/bench/language_held_out.py --declarations UDHR --messages FOLDER... --news FILE.jsonl...

- The Universal Declaration of Human Rights: the n-gram tables are fitted without a quarter of it and tried on that
  quarter, cut to the length of a headline and of a lead.
- News: no table is fitted on news; the eight weights of the signals are, so for each file they are fitted on the
  others.

Two minutes, most of them for the tables. FILE has `lang`, `title` and `text` a line. What the shipped detector does
with a file is told by `polywire evaluate language`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pycld2

from quality.evaluation.language import LanguageReport, detect_all, evaluate
from streams.language import UNDETERMINED, Detection, LanguageDetector
from streams.language.evidence import CLD2_CODES
from streams.language.fit import fit
from streams.language.mixture import fit_mixture
from streams.language.refit import texts_to_weigh
from streams.language.sources import collect, held_out_paragraphs, telling_words
from streams.language.words import clean

LENGTHS = (70, 300)
"""Characters of a headline and of a lead."""
Articles = list[dict[str, Any]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--declarations", type=Path, required=True)
    arguments.add_argument("--messages", type=Path, nargs="*", default=[])
    arguments.add_argument("--news", type=Path, nargs="+", required=True)
    chosen = arguments.parse_args()
    news = {
        str(path): [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in chosen.news
    }
    tables = fit(collect(chosen.declarations, chosen.messages, held_out=True), telling_words())
    for name, articles in news.items():
        others = {other: found for other, found in news.items() if other != name}
        detector = LanguageDetector(tables, fit_mixture(tables, texts_to_weigh(chosen.declarations, others)))
        _compare(f"{name}, titles", articles, detector, headlines=True)
        _compare(f"{name}, 300 characters", articles, detector, length=300)
    detector = LanguageDetector(tables, fit_mixture(tables, texts_to_weigh(None, news)))
    for length in LENGTHS:
        declared: Articles = [
            {"lang": language, "title": "", "text": text}
            for language, text in held_out_paragraphs(chosen.declarations)
            # Not "Article 3", which is a heading in half the languages of a script.
            if len(text) >= length // 2
        ]
        _compare(f"declaration, {length} characters", declared, detector, length=length)


def _compare(name: str, articles: Articles, detector: LanguageDetector, **seen: Any) -> None:
    gold = [article["lang"] for article in articles]
    ours = evaluate(gold, detect_all(articles, detector.detect, **seen))
    alone = evaluate(gold, detect_all(articles, _cld2, **seen))
    print(f"{name}: {len(articles)} in {len(ours.languages)} languages")
    for engine, report in (("ours", ours), ("CLD2", alone)):
        calibration = f", calibration error {report.calibration_error:.4f}" if report is ours else ""
        print(
            f"  {engine} macro {report.macro:.4f} (95%: {report.low:.4f} to {report.high:.4f}), over articles "
            f"{report.accuracy:.4f}{calibration}; lowest: {_lowest(report)}",
            flush=True,
        )


def _lowest(report: LanguageReport) -> str:
    ordered = sorted(report.languages.items(), key=lambda item: (item[1].accuracy, item[0]))
    return ", ".join(f"{language} {figure.accuracy:.2f}" for language, figure in ordered[:12] if figure.accuracy < 1)


def _cld2(title: str, text: str) -> Detection:
    _, _, guesses = pycld2.detect(clean(f"{title}\n{text}"), bestEffort=True)
    code = guesses[0][1]
    return Detection(UNDETERMINED if code == "un" else CLD2_CODES.get(code, code), guesses[0][2] / 100)


if __name__ == "__main__":
    main()
