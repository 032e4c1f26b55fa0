"""Subscription queries in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.index.documents import article_document
from consumers.query import Matchable, Query, QueryError
from consumers.query.bounds import parse_date
from consumers.query.match import within
from consumers.query.vocabulary import country_code
from schemas.articles import EnrichedArticle
from schemas.readings import Entity
from tests.consumers.make import ASTANA, KAZAKHSTAN, NOON, ROSOBORONEXPORT, RUSSIA, S300, TURKEY, article, deal

ARTICLE = article(text="Russia sells two S-300 systems to Kazakhstan. Crews train in São Paulo, says Groß & Łódź.")
THAI = article(2, title="ประเทศไทยซื้อเครื่องบินรบ", text="ไทย", language="th")
JAPANESE = article(3, title="武器取引の契約", text="ﾊﾟｲﾛｯﾄ", language="ja")
ARABIC = article(4, title="أعلنت روسيا عن صفقة", text="صواريخ", language="ar")
HINDI = article(5, title="हिन्दी में समाचार", text="मिसाइल", language="hi")


def found(query: str, one: EnrichedArticle = ARTICLE) -> bool:
    return Query.parse(query).matches(Matchable(article_document(one)))


@pytest.mark.parametrize(
    "query",
    [
        "kazakhstan",
        "KAZAKHSTAN",
        "title:kazakhstan",
        "nothing kazakhstan",
        "kazakhstan AND russia",
        "kazakhstan && russia",
        "nothing || russia",
        "+russia nothing",
        "russia -nothing",
        "russia AND NOT nothing",
        "russia !nothing",
        "NOT nothing",
        '"S-300 systems"',
        "S-300",
        "s-300",
        '"sells systems"~3',
        '"systems two"~4',
        "sao",
        "São",
        "gross",
        "Lodz",
        "kazakh*",
        "*stan",
        "k?zakhstan",
        "kazakstan~",
        "kazakstan~1",
        "(nothing OR russia) AND (kazakhstan OR nowhere)",
        "russia^3",
        "supplier:RU",
        "supplier:ru",
        "supplier:Russia",
        "supplier:russia",
        "supplier:Q159",
        "recipient:kz",
        "recipient:Kazakhstan",
        "recipient:(KZ OR TR)",
        "weapon:S-300",
        'weapon:"s-300"',
        "weapon:Q463307",
        "weapon:s*",
        "entity:russia",
        "country:KZ",
        "country:Kazakhstan",
        "arms_deal:true",
        "arms_deal:TRUE",
        "act:sale",
        "status:reported",
        "language:en",
        "source:daily.example",
        "source:DAILY.*",
        "story_id:s1",
        "arms_deal_score:>0.5",
        "arms_deal_score:[0.5 TO *]",
        "article_count:1",
        "published:2026-11-16",
        "published:[2026-11-16 TO 2026-11-16]",
        "published:[2026 TO 2027}",
        "published:{2026-11-15 TO *]",
        "published:<2026-11-17",
        "published:>=2026-11-16T12:00:00Z",
        "_exists_:weapon",
        "weapon:*",
        "*",
        "*:*",
        "new_story:true",
        "language:[d TO f]",
        r"url:https\:\/\/daily.example\/1",
        'url:"https://daily.example/1"',
    ],
)
def test_finds(query: str) -> None:
    assert found(query)


@pytest.mark.parametrize(
    "query",
    [
        "nothing",
        "kazakh",
        "kazakhstan AND nothing",
        "+nothing russia",
        "russia -kazakhstan",
        "russia AND NOT kazakhstan",
        '"systems S-300"',
        '"sells systems"~2',
        '"systems two"~3',
        "title:russia",
        "S-400",
        "supplier:KZ",
        "supplier:Rus",
        "recipient:Russia",
        "weapon:S-400",
        "weapon:300",
        "arms_deal:false",
        "act:aid",
        "arms_deal_score:>0.9",
        "published:2026-11-17",
        "published:{2026-11-16 TO *]",
        "published:>2026-11-16",
        "published:<2026-11-16",
        "article_count:>1",
        "_exists_:duplicate_of",
        "kazakstan~0",
        "story_id:S1",
        "language:[f TO z]",
    ],
)
def test_does_not_find(query: str) -> None:
    assert not found(query)


@pytest.mark.parametrize(
    ("query", "one", "expected"),
    [
        ("เครื่องบินรบ", THAI, True),
        ("เครื่องบิน", THAI, True),
        ("เรือดำน้ำ", THAI, False),
        ("武器", JAPANESE, True),
        ("取引", JAPANESE, True),
        ("契約書", JAPANESE, False),
        ("武器契約", JAPANESE, False),
        ("パイロット", JAPANESE, True),
        ("روسيا", ARABIC, True),
        ("روسي", ARABIC, False),
        ("हिन्दी", HINDI, True),
        ("ह", HINDI, False),
    ],
)
def test_scripts(query: str, one: EnrichedArticle, expected: bool) -> None:
    assert found(query, one) is expected


def test_names_with_accents_are_found_without() -> None:
    one = article(deals=[deal(supplier=[TURKEY.id])], entities=[TURKEY, KAZAKHSTAN])
    for query in ("supplier:Türkiye", "supplier:turkiye", "supplier:TR", "supplier:TÜRKİYE", "supplier:Q43"):
        assert found(query, one), query


def test_a_company_stands_for_its_country() -> None:
    one = article(deals=[deal(supplier=[ROSOBORONEXPORT.id])], entities=[ROSOBORONEXPORT])
    assert found("supplier:Rosoboronexport AND supplier:RU AND supplier:Russia AND country:RU", one)


def test_a_city_is_in_its_country_and_a_weapon_is_not() -> None:
    one = article(entities=[ASTANA, S300], deals=[], arms_deal=False)
    assert found("country:KZ AND country:Kazakhstan", one)
    assert not found("country:RU", one)


def test_false_is_what_is_not_true() -> None:
    assert found("arms_deal:false", article(arms_deal=False, deals=[], arms_deal_score=0.0))


def test_relative_dates_count_from_now() -> None:
    fresh = article(published=datetime.now(UTC) - timedelta(days=2))
    assert found("published:[now-7d TO now]", fresh)
    assert not found("published:[now-1d TO now]", fresh)
    assert not found("published:[now-7d TO now]", article(published=NOON - timedelta(days=4000)))


@pytest.mark.parametrize(
    ("query", "message", "position"),
    [
        ("", "the query is empty", None),
        ("   ", "the query is empty", None),
        ('"open', "a quotation mark is not closed", 0),
        ("title:(a b", "a parenthesis is not closed", 6),
        ("a AND", "the query ends where a word is expected", 5),
        ("a ) b", "did not expect ')' here", 2),
        ("suplier:RU", "Did you mean supplier?", 0),
        ("a && suplier:RU", "Did you mean supplier?", 5),
        ("arms_deal:maybe", "arms_deal is true or false, not 'maybe'", 10),
        ("published:soon", "'soon' is no date", 10),
        ("published:2026-13", "is no date", 10),
        ("article_count:many", "'many' is no number", 14),
        ("/a.*b/", "regular expressions are not supported", 0),
        ("title:[a TO b]", "title takes no range", 6),
        ("arms_deal:t*", "arms_deal takes no * or ?", 10),
        ("(" * 60 + "a" + ")" * 60, "nested too deeply", 41),
        (" ".join("abc" for _ in range(500)), "more than 400 words", 1600),
        ("a:b:c", "there is no field 'a'", 0),
    ],
)
def test_bad_queries_say_what_and_where(query: str, message: str, position: int | None) -> None:
    with pytest.raises(QueryError) as caught:
        Query.parse(query)
    assert message in str(caught.value)
    assert caught.value.position == position


def test_an_unknown_field_lists_the_fields() -> None:
    with pytest.raises(QueryError, match="title, text, language, source, country, entity, weapon"):
        Query.parse("colour:red")


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_an_error_that_says_why(text: str) -> None:
    try:
        query = Query.parse(text)
    except QueryError:
        return
    query.matches(Matchable(article_document(ARTICLE)))
    assert query.for_elasticsearch()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2026-03-01T12", "2026-03-01T12:00", "2026-03-01T13:00"),
        ("2026-03-01T12:30", "2026-03-01T12:30", "2026-03-01T12:31"),
        ("2026-03-01T12:30:05Z", "2026-03-01T12:30:05", "2026-03-01T12:30:06"),
        ("2026-03-01T12:30+02:00", "2026-03-01T10:30", "2026-03-01T10:31"),
        ("now/d", "2024-03-31", "2024-04-01"),
        ("now-1M", "2024-02-29T10:00", "2024-02-29T10:00:00.001"),
        ("now-1y/y", "2023-01-01", "2024-01-01"),
        ("now-1d/h", "2024-03-30T10:00", "2024-03-30T11:00"),
        ("now/w", "2024-03-25", "2024-04-01"),
    ],
)
def test_dates(text: str, start: str, end: str) -> None:
    now = datetime(2024, 3, 31, 10, tzinfo=UTC)
    expected = tuple(datetime.fromisoformat(s).replace(tzinfo=UTC) for s in (start, end))
    assert parse_date(text, now) == expected


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "cab", 2), ("ab", "xyz", 3)],
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert [within(a, b, n) for n in range(4)] == [n >= distance for n in range(4)]


def test_entities_without_a_known_country_do_no_harm() -> None:
    one = article(entities=[Entity(id="pw:x", type="place", name="Xanadu", country="XX"), RUSSIA])
    assert found("country:XX", one)


@pytest.mark.parametrize(
    "text",
    [
        "country:马来西亚",
        "country:馬來西亞",
        "recipient:Малайзия",
        "recipient:Malasia",
        "entity:ماليزيا",
        "country:Malaysia",
    ],
)
def test_a_country_goes_by_its_name_in_any_language(text: str) -> None:
    wanted = Query.parse(text.partition(":")[0] + ":MY").for_elasticsearch()
    assert wanted in Query.parse(text).for_elasticsearch()["bool"]["should"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("language:e", "ISO 639"),
        ("language:english", "write language:en"),
        ("title:x AND language:русский", "write language:ru"),
        ("act:donation", "sale, aid, lease"),
        ("status:done", "reported, planned"),
    ],
)
def test_a_value_that_no_article_can_have_is_told_so(text: str, hint: str) -> None:
    with pytest.raises(QueryError, match=hint):
        Query.parse(text)


def test_what_is_no_country_is_left_alone() -> None:
    assert country_code("Dassault") is None
    assert country_code("Rus") is None
