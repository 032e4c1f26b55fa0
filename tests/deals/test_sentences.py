"""Where sentences end, in many scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.deals.sentences import MAX_SENTENCE, split_sentences


def texts(text: str) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The U.S. sold F-16s. Egypt bought them.", 2),
        ("It paid $2.5 billion for 3.5 years. Then it stopped.", 2),
        ("Gen. Smith met Mr. Jones. They agreed.", 2),
        ("Контракт на 5,4 млрд долл. подписан. Поставки начнутся в 2025 г. в порту.", 2),
        ("印度购买了导弹。巴基斯坦抗议！为什么？", 3),
        ("भारत ने मिसाइलें खरीदीं। पाकिस्तान ने विरोध किया।", 2),
        ("پاکستان نے آبدوز خریدی۔ بھارت نے احتجاج کیا۔", 2),
        ("ኢትዮጵያ አውሮፕላን ገዛች። ግብፅ ተቃወመች።", 2),
        ("မြန်မာက ဝယ်သည်။ ရုရှားက ရောင်းသည်။", 2),
        ("هل باعت روسيا السلاح؟ لا تعليق.", 2),
        ("Title\nFirst line\n\nSecond line", 3),
        ("“We sold tanks.” He left.", 2),
    ],
)
def test_sentences_are_told_apart(text: str, count: int) -> None:
    assert len(texts(text)) == count


def test_a_text_without_stops_is_cut() -> None:
    long = "tanks and guns, " * 200
    assert all(s.end - s.start <= MAX_SENTENCE for s in split_sentences(long))


@given(st.text(max_size=400))
def test_sentences_stand_in_order_and_leave_out_only_blanks(text: str) -> None:
    at = 0
    for sentence in split_sentences(text):
        assert not text[at : sentence.start].strip()
        assert sentence.end > sentence.start
        at = sentence.end
    assert not text[at:].strip()
