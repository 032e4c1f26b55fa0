"""The seeds are what they say they are: unchanged founding documents, and a sample worth demonstrating with."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from schemas.articles import RawArticle
from schemas.ids import article_id

SEEDS = Path(__file__).parents[2] / "seeds"

FOUNDING = {
    "000_789ba6ecdb73c829.txt": "4e1e38f03006bacd5ce4919ea35eb744334ecbec8c53c1b2127381456c4093ae",
    "001_5ef2c9304808d7f0.txt": "55c733f454bfb05acfa467a8224638ad14e97c06cfff66046d818e21efda0138",
    "002_8ffcc6664766d8cb.txt": "1a60083b454f6b0137c6e27c36ba0c8db62df1ef2b1bcc6aa36e516464f3fa53",
}


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SEEDS / name).read_text(encoding="utf-8").splitlines()]


SAMPLE = lines("sample.jsonl")
DOCUMENTS = lines("documents.jsonl")


def scripts(text: str) -> Counter[str]:
    """Letters per script, told by the first word of the character's Unicode name."""
    return Counter(unicodedata.name(c, "?").split(" ")[0] for c in text if c.isalpha())


def main_script(text: str) -> str:
    return scripts(text).most_common(1)[0][0]


def published(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["published"])


@pytest.mark.parametrize(("name", "digest"), FOUNDING.items())
def test_founding_documents_are_unchanged(name: str, digest: str) -> None:
    assert hashlib.sha256((SEEDS / name).read_bytes()).hexdigest() == digest


def test_document_lines_hold_the_files_word_for_word() -> None:
    assert [row["meta"]["file"] for row in DOCUMENTS] == sorted(FOUNDING)
    for row in DOCUMENTS:
        whole = f"{row['title']}\n{row['text']}" if row["title"] else row["text"]
        assert whole.encode() == (SEEDS / row["meta"]["file"]).read_bytes()
    assert [bool(row["title"]) for row in DOCUMENTS] == [False, False, True]


def test_documents_say_which_are_one_story_and_that_their_dates_are_estimates() -> None:
    malay, arabic, english = DOCUMENTS
    assert malay["story"] == arabic["story"] != english["story"]
    assert abs(published(malay) - published(arabic)) < timedelta(days=1)
    assert all("estimated" in row["meta"]["published_basis"] for row in DOCUMENTS)


@pytest.mark.parametrize("row", [*DOCUMENTS, *SAMPLE], ids=lambda row: f"{row['story']}-{row['lang']}")
def test_line_is_a_raw_article(row: dict[str, Any]) -> None:
    article = RawArticle.model_validate({**row, "collected": row["published"]})
    assert article.id == article_id(
        url=article.url, source=article.source, external_id=article.external_id, content=article.full_text
    )
    assert unicodedata.is_normalized("NFC", article.full_text)


def test_ids_and_addresses_are_unique() -> None:
    assert len({row["id"] for row in SAMPLE + DOCUMENTS}) == len(SAMPLE) + len(DOCUMENTS)
    assert len({row["url"] for row in SAMPLE}) == len(SAMPLE)


def test_sample_is_about_sixty_articles_of_some_fifteen_stories() -> None:
    assert 55 <= len(SAMPLE) <= 70
    assert 14 <= len({row["story"] for row in SAMPLE}) <= 20


def test_every_story_has_two_to_six_languages_and_each_only_once() -> None:
    languages = defaultdict(list)
    for row in SAMPLE:
        languages[row["story"]].append(row["lang"])
    for story, told in languages.items():
        assert 2 <= len(told) <= 6, story
        assert len(set(told)) == len(told), story


def test_sample_spans_languages_and_scripts() -> None:
    assert len({row["lang"] for row in SAMPLE}) >= 20
    # A script counts where whole articles are written in it, not where a name is quoted.
    assert len({main_script(row["text"]) for row in SAMPLE}) >= 8


def test_articles_of_one_language_share_a_script() -> None:
    by_language = defaultdict(set)
    for row in SAMPLE:
        found = main_script(row["text"])
        by_language[row["lang"]].add("JAPANESE" if row["lang"] == "ja" else found)
    assert all(len(found) == 1 for found in by_language.values()), by_language


def test_a_third_deals_a_third_hard_negatives_a_third_other() -> None:
    share = Counter(row["topic"] for row in SAMPLE)
    assert set(share) == {"arms deal", "hard negative", "other"}
    for topic, count in share.items():
        assert 0.28 <= count / len(SAMPLE) <= 0.38, topic


def test_deal_mark_and_topic_agree_within_a_story() -> None:
    marks = defaultdict(set)
    for row in SAMPLE:
        assert row["arms_deal"] is (row["topic"] == "arms deal")
        marks[row["story"]].add(row["arms_deal"])
    assert all(len(mark) == 1 for mark in marks.values())


@pytest.mark.parametrize("row", SAMPLE, ids=lambda row: f"{row['story']}-{row['lang']}")
def test_article_is_marked_as_invented_and_has_a_body(row: dict[str, Any]) -> None:
    assert row["meta"] == {"invented": "true"}
    assert urlsplit(row["url"]).hostname == row["source"]
    assert row["source"].endswith(".example")
    assert row["title"].strip()
    # Chinese, Japanese and Thai have no spaces to count words by: two characters stand for one word there.
    length = len(row["text"]) / 2 if row["lang"] in {"zh", "ja", "th"} else len(row["text"].split())
    assert 80 <= length <= 400


def test_stories_come_interleaved_over_three_days() -> None:
    times = [published(row) for row in SAMPLE]
    assert times == sorted(times)
    assert timedelta(days=2) < times[-1] - times[0] <= timedelta(days=3)
    runs = sum(a["story"] != b["story"] for a, b in pairwise(SAMPLE))
    assert runs > len(SAMPLE) / 2
    by_story = defaultdict(list)
    for row in SAMPLE:
        by_story[row["story"]].append(published(row))
    assert all(max(times) - min(times) <= timedelta(days=1) for times in by_story.values())
    assert all(len(set(times)) == len(times) for times in by_story.values())


def test_some_language_hints_are_missing_and_one_is_wrong() -> None:
    hints = [row.get("language") for row in SAMPLE]
    assert hints.count(None) >= 2
    assert [row["lang"] for row in SAMPLE if row.get("language") not in {None, row["lang"]}] == ["ms"]
