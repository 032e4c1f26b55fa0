"""The same query finds the same articles in memory and in Elasticsearch, in every language of the seeds."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch, helpers

from consumers.index import ensure_indices
from consumers.index.documents import article_document
from consumers.indexer import index_action
from consumers.query import Matchable, Query
from runtime.elastic import make_client
from runtime.settings import Settings
from schemas.articles import EnrichedArticle
from tests.consumers.make import KAZAKHSTAN, ROSOBORONEXPORT, RUSSIA, S300, TURKEY, article, deal

pytestmark = pytest.mark.engine

SEEDS = Path(__file__).parents[2] / "seeds"
PREFIX = "agreement"
PARTIES = [
    [deal()],
    [deal(supplier=[TURKEY.id], recipient=[RUSSIA.id], act="aid", status="planned", weapons=[])],
    [deal(supplier=[ROSOBORONEXPORT.id], recipient=[])],
    [],
]

FIXED = [
    "*",
    "arms_deal:true",
    "arms_deal:false",
    "NOT arms_deal:true",
    "supplier:RU",
    "supplier:Russia",
    "supplier:Q159",
    "supplier:türkiye",
    "supplier:TURKIYE",
    "recipient:KZ AND arms_deal:true",
    "recipient:(KZ OR RU)",
    "weapon:S-300",
    "weapon:s*",
    "act:(sale OR aid) -status:planned",
    "country:TR",
    "entity:rosoboronexport",
    "_exists_:supplier",
    "-_exists_:supplier",
    "language:ar",
    "language:[a TO g]",
    "+language:en -arms_deal:true",
    "story_id:s3",
    "published:[2026-11-17 TO 2026-11-18]",
    "published:>2026-11-18",
    "article_count:>=2",
    "arms_deal_score:[0.4 TO 0.6]",
    "K9",
    "S-300",
    '"K9 self"~3',
    "howitzer~",
    "howitz*",
    "*ssile",
    "title:(missile OR missiles)",
    "text:contract AND NOT title:contract",
    "(tank OR radar OR frigate) AND signed",
]


@pytest.fixture(scope="module")
def articles() -> list[EnrichedArticle]:
    chance = random.Random(7)
    found = []
    for number, line in enumerate((SEEDS / "sample.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        deals = PARTIES[number % len(PARTIES)]
        found.append(
            article(
                number,
                story=f"s{number % 9}",
                title=row["title"],
                text=row["text"],
                language=row["lang"],
                source=row["source"],
                published=row["published"],
                entities=[KAZAKHSTAN, RUSSIA, S300, TURKEY, ROSOBORONEXPORT] if deals else [],
                deals=deals,
                arms_deal=bool(deals),
                arms_deal_score=round(chance.random(), 3),
                article_count=number % 4,
            )
        )
    return found


@pytest.fixture(scope="module")
def index(engine: Settings, articles: list[EnrichedArticle]) -> Iterator[Elasticsearch]:
    with make_client(engine) as es:
        ensure_indices(es, PREFIX)
        helpers.bulk(es, [index_action(one, PREFIX) for one in articles])
        es.indices.refresh(index=f"{PREFIX}-articles")
        yield es


def both(es: Elasticsearch, articles: list[EnrichedArticle], text: str) -> tuple[set[str], set[str]]:
    query = Query.parse(text)
    answer = es.search(index=f"{PREFIX}-articles", query=query.for_elasticsearch(), size=500, source=False)
    there = {hit["_id"] for hit in answer["hits"]["hits"]}
    here = {one.id for one in articles if query.matches(Matchable(article_document(one)))}
    return here, there


@pytest.mark.parametrize("text", FIXED)
def test_fixed_queries(index: Elasticsearch, articles: list[EnrichedArticle], text: str) -> None:
    here, there = both(index, articles, text)
    assert here == there


SPACELESS = {"zh", "ja", "th", "lo", "km", "my"}


def test_words_of_every_article(index: Elasticsearch, articles: list[EnrichedArticle], engine: Settings) -> None:
    """A word and a phrase out of each article, as a person would copy them."""
    chance = random.Random(11)
    different = []
    for one in articles:
        if one.language == "ja" and engine.engines == "embedded":
            continue  # the embedded engine keeps a run of Katakana in one piece, which Lucene does not
        chunks = [c.strip("\"'.,:;()«»„“”!?،।。、") for c in one.text.split()]
        chunks = [c for c in chunks if c and not re.search(r'[*?~^/\\"\[\]{}()+!:&|]', c)]
        start = chance.randrange(max(1, len(chunks) - 2))
        word = chance.choice(chunks)
        if one.language in SPACELESS and len(word) > 6:
            at = chance.randrange(len(word) - 6)
            word = word[at : at + 4]
        for text in (f'"{word}"', '"' + " ".join(chunks[start : start + 2]) + '"'):
            here, there = both(index, articles, text)
            if here != there or one.id not in here:
                different.append(f"{one.language} {text} here: {sorted(here)} there: {sorted(there)}")
    assert not different, "\n" + "\n".join(different)
