"""Sums and numbers of pieces."""

from __future__ import annotations

import pytest

from streams.deals.amounts import stated_quantity, stated_sum


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("worth $240 million", 240e6, "USD"),
        ("1.9 billion euro deal", 1.9e9, "EUR"),
        ("5,4 млрд долларов", 5.4e9, "USD"),
        ("1,2 miliardi di euro", 1.2e9, "EUR"),
        ("三亿美元", None, None),
        ("3亿美元", 3e8, "USD"),
        ("35억 달러", 35e8, "USD"),
        ("£100 million", 100e6, "GBP"),
        ("€ 1,500,000", 1.5e6, "EUR"),
        ("50 tanks and 3 ships", None, None),
        ("no number of dollars", None, None),
    ],
)
def test_sums(text: str, value: float | None, currency: str | None) -> None:
    found = stated_sum(text)
    if value is None:
        assert found is None
    else:
        assert found is not None
        assert found.value == pytest.approx(value)
        assert found.currency == currency


def test_the_number_before_the_weapon_counts() -> None:
    text = "In 2022 it sold 1,200 tanks"
    assert stated_quantity(text, 0, [(text.index("tanks"), len(text))]) == 1200
    assert stated_quantity("in 2022 tanks", 0, [(8, 13)]) is None


def test_a_sum_of_no_size_is_none() -> None:
    assert stated_sum("a contract of $" + "9" * 400) is None
