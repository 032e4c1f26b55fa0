"""What each signal is worth, and how well the weights carry over to what they were not fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quality.training.stories import THRESHOLDS, Say, fit_repair, with_weight
from quality.training.story_sets import Pairs, StorySet
from streams.stories.model import SIGNALS, Weights

LEFT_OUT = ("pt", "ar", "ru")
"""Languages that are left out in turn: one that is frequent in the headlines, two in other scripts."""


class Row(NamedTuple):
    """A line of a table: what was done, and the BCubed F1 it gave on each set."""

    what: str
    scores: list[float]


def ablation(sets: Sequence[StorySet], weights: Weights) -> Iterator[Row]:
    """The clusterer, one by one and with a last look back, without each signal in turn."""
    yield Row("all signals", _settled(sets, weights))
    for name in ("age", "common", "places", "elsewhere", "weapons", "words", "names", "numbers", "entities"):
        if weights.weight(name):
            yield Row(f"without {name}", _settled(sets, with_weight(weights, name, 0.0)))
    yield Row("without grown", _settled(sets, with_weight(weights, "grown", 0.0)))
    yield Row("a single article's width 1", _settled(sets, with_weight(weights, "width", 1.0)))
    yield Row("on arrival, no look back", [s.score(s.run(weights, settle=False)) for s in sets])
    yield Row("words, names … alone", [s.score(s.run(_lexical_only(weights), settle=False)) for s in sets])


def _settled(sets: Sequence[StorySet], weights: Weights) -> list[float]:
    return [each.score(each.run(weights, settle=True)) for each in sets]


def _lexical_only(weights: Weights) -> Weights:
    """Without the embedding: what is shared must make up for it."""
    lexical = {"words": 0.05, "names": 0.08, "numbers": 0.05, "entities": 0.08, "age": weights.weight("age")}
    found = weights
    for name in SIGNALS:
        found = with_weight(found, name, lexical.get(name, 0.0))
    return found


def carried_over(
    early: Pairs, late: Pairs, others: Sequence[Pairs], start: Weights, say: Say
) -> Iterator[tuple[str, float, float]]:
    """Fitted without the later events, without a set, without a language: the F1 there, and that of a fit on it.

    The second figure is the best that the same weights reach there with a threshold of its own: what is lost lies
    between the two.
    """
    say("without the later events")
    yield _one("later events", fit_repair([early, *others], start, rounds=1, say=say), late)
    for held in others:
        say(f"without {held.set.name}")
        rest = [each for each in (early, late, *others) if each is not held]
        yield _one(held.set.name, fit_repair(rest, start, rounds=1, say=say), held)
    for language in LEFT_OUT:
        say(f"without {language}")
        rest = [Pairs(each.set.without(language)) for each in (early, *others)]
        yield _one(language, fit_repair(rest, start, rounds=1, say=say), late, language)


def _one(name: str, fitted: Weights, on: Pairs, language: str | None = None) -> tuple[str, float, float]:
    if language is not None:
        predicted = on.set.run(fitted, settle=True)
        return f"{on.set.name}, {language}", on.set.score(predicted, language), float("nan")
    scores = on.scores(fitted, THRESHOLDS)
    return name, scores[THRESHOLDS.index(fitted.repair)], max(scores)
