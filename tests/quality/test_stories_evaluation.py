"""BCubed and pairwise figures, against values worked out by hand and against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from quality.evaluation.stories import evaluate, measure


def test_perfect_and_its_opposites() -> None:
    gold = list("aabbbc")
    assert measure(gold, gold).bcubed.f1 == 1
    assert measure(gold, gold).pairwise.f1 == 1
    alone = measure(gold, list("123456"))
    assert alone.bcubed.precision == 1
    assert alone.bcubed.recall == pytest.approx(3 / 6)
    assert alone.pairwise.recall == 0
    heap = measure(gold, list("111111"))
    assert heap.bcubed.recall == 1
    assert heap.bcubed.precision == pytest.approx((2 * 2 + 3 * 3 + 1) / 36)
    assert heap.pairwise.precision == pytest.approx(4 / 15)


def test_against_the_definition() -> None:
    random = np.random.default_rng(0)
    gold = [str(x) for x in random.integers(0, 8, 60)]
    predicted = [str(x) for x in random.integers(0, 9, 60)]
    precision = recall = 0.0
    right = found = true = 0
    for i in range(60):
        same = [j for j in range(60) if predicted[j] == predicted[i]]
        mine = [j for j in range(60) if gold[j] == gold[i]]
        precision += len(set(same) & set(mine)) / len(same) / 60
        recall += len(set(same) & set(mine)) / len(mine) / 60
        for j in range(i):
            right += gold[i] == gold[j] and predicted[i] == predicted[j]
            found += predicted[i] == predicted[j]
            true += gold[i] == gold[j]
    part = measure(gold, predicted, resamples=200)
    assert part.bcubed.precision == pytest.approx(precision)
    assert part.bcubed.recall == pytest.approx(recall)
    assert part.pairwise.precision == pytest.approx(right / found)
    assert part.pairwise.recall == pytest.approx(right / true)
    assert part.bcubed.low is not None
    assert part.bcubed.high is not None
    assert part.bcubed.low <= part.bcubed.f1 <= part.bcubed.high


def test_languages_and_pairs() -> None:
    gold = ["x", "x", "x", "y", "y", "y"]
    languages = ["en", "en", "ar", "en", "ar", "ms"]
    report = evaluate(gold, ["1", "1", "1", "2", "3", "3"], languages)
    assert report.languages["en"].bcubed.f1 == 1
    assert report.pair_counts == {("ar", "en"): 3, ("ar", "ms"): 1, ("en", "ms"): 1}
    assert report.pairs["ar", "en"].recall == pytest.approx(2 / 3)
    assert report.pairs["ar", "ms"].f1 == 1
    assert report.pairs["en", "ms"].recall == 0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 true stories"):
        evaluate(["a", "b"], ["1"], ["en", "en"])
