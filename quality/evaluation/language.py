"""How often the language is right: accuracy for each language, confusions, calibration."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from streams.language import UNDETERMINED, Detection
from streams.language.codes import one_code

MEMBERS = {"sh": frozenset({"bs", "hr", "sr", "sh"}), "mixed": frozenset()}
"""Gold codes of a group: any of its members is right."""
BINS = 10
RESAMPLES = 1_000


@dataclass(frozen=True)
class LanguageFigure:
    """One language's."""

    articles: int
    right: int
    accuracy: float
    undetermined: int


@dataclass(frozen=True)
class CalibrationBin:
    """Articles whose confidence is between `low` and `high`: what was promised, and what was kept."""

    low: float
    high: float
    articles: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class LanguageReport:
    """`macro` is the mean over languages; its 95% interval is from articles drawn anew within each language."""

    articles: int
    accuracy: float
    macro: float
    low: float
    high: float
    languages: dict[str, LanguageFigure]
    confusions: list[tuple[str, str, int]]
    calibration: list[CalibrationBin]
    calibration_error: float
    """Mean distance of confidence and accuracy over the bins, by their articles."""

    def dump(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def is_right(gold: str, found: str) -> bool:
    """Whether `found` is what `gold` names, by whatever code (see `streams.language.codes`). `und` never is."""
    wanted = one_code(gold)
    return found in MEMBERS[wanted] if wanted in MEMBERS else one_code(found) == wanted


def evaluate(gold: Sequence[str], found: Sequence[Detection], *, seed: int = 7) -> LanguageReport:
    """Figures for articles with known languages.

    Raises:
        ValueError: there are none, or not as many answers as questions.
    """
    if not gold or len(gold) != len(found):
        raise ValueError(f"{len(gold)} labels and {len(found)} detections")
    right: dict[str, list[bool]] = defaultdict(list)
    undetermined: Counter[str] = Counter()
    confusions: Counter[tuple[str, str]] = Counter()
    for label, detection in zip(gold, found, strict=True):
        language = one_code(label)
        good = is_right(label, detection.language)
        right[language].append(good)
        undetermined[language] += detection.language == UNDETERMINED
        if not good:
            confusions[language, detection.language] += 1
    figures = {
        language: LanguageFigure(len(marks), sum(marks), sum(marks) / len(marks), undetermined[language])
        for language, marks in sorted(right.items())
    }
    low, high = _interval(list(right.values()), seed)
    bins = _calibration(gold, found)
    return LanguageReport(
        articles=len(gold),
        accuracy=sum(figure.right for figure in figures.values()) / len(gold),
        macro=float(np.mean([figure.accuracy for figure in figures.values()])),
        low=low,
        high=high,
        languages=figures,
        confusions=[(a, b, n) for (a, b), n in sorted(confusions.items(), key=lambda item: (-item[1], item[0]))],
        calibration=bins,
        calibration_error=sum(each.articles * abs(each.confidence - each.accuracy) for each in bins) / len(gold),
    )


def detect_all(
    articles: Sequence[dict[str, Any]],
    detect: Callable[[str, str], Detection],
    *,
    headlines: bool = False,
    length: int | None = None,
) -> list[Detection]:
    """Detections for articles with `title` and `text`.

    Args:
        headlines: the title alone is looked at (the text's beginning where there is no title).
        length: only so many characters of title and text together are.
    """
    found = []
    for article in articles:
        title, text = article.get("title") or "", article.get("text") or ""
        if headlines:
            text = "" if title else text.partition("\n")[0]
        if length is not None:
            title, text = title[:length], text[: max(0, length - len(title))]
        found.append(detect(title, text))
    return found


def _interval(marks: list[list[bool]], seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    # A resample of n marks of which a share p is right is a draw from a binomial distribution.
    sizes = np.array([len(each) for each in marks])
    shares = np.array([sum(each) / len(each) for each in marks])
    means = (random.binomial(sizes, shares, size=(RESAMPLES, len(marks))) / sizes).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _calibration(gold: Sequence[str], found: Sequence[Detection]) -> list[CalibrationBin]:
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for label, detection in zip(gold, found, strict=True):
        place = min(BINS - 1, int(detection.confidence * BINS))
        bins[place].append((detection.confidence, is_right(label, detection.language)))
    return [
        CalibrationBin(
            low=place / BINS,
            high=(place + 1) / BINS,
            articles=len(members),
            confidence=sum(confidence for confidence, _ in members) / len(members),
            accuracy=sum(good for _, good in members) / len(members),
        )
        for place, members in sorted(bins.items())
    ]
