"""The plugins give the core of Elasticsearch the analysers of its full distribution back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from polywire.engines import make_engine
from polywire.engines.jvm.build import named_components
from polywire.engines.jvm.folders import discard
from runtime.settings import Settings

pytestmark = pytest.mark.jvm

ANALYZERS = [
    "arabic", "armenian", "basque", "bengali", "brazilian", "bulgarian", "catalan", "cjk", "czech", "danish",
    "dutch", "english", "estonian", "finnish", "french", "galician", "german", "greek", "hindi", "hungarian",
    "indonesian", "irish", "italian", "latvian", "lithuanian", "norwegian", "persian", "portuguese", "romanian",
    "russian", "serbian", "sorani", "spanish", "swedish", "turkish", "thai",
]  # fmt: skip
"""Those of Elasticsearch's reference, "Language analyzers"."""


@pytest.fixture(scope="module")
def es(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    settings = Settings(engines="jvm", state_dir=tmp_path_factory.mktemp("jvm"))
    engine = make_engine("jvm", settings)
    with pytest.MonkeyPatch.context() as patch:
        # One id in 64 starts with a dash and must not be taken for an option.
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xf8" * 16))
        addresses = engine.start()
    with Elasticsearch(addresses.elasticsearch_url) as client:
        yield client
    engine.stop()
    discard(settings.state_dir)


def tokens(es: Elasticsearch, text: str, **analysis: object) -> list[str]:
    return [t["token"] for t in es.indices.analyze(text=text, **analysis)["tokens"]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("analyzer", "text", "stems"),
    [
        ("english", "The missiles supplied to them", ["missil", "suppli", "them"]),
        ("russian", "поставки ракет", ["поставк", "ракет"]),
        ("arabic", "الصواريخ", ["صواريخ"]),
        ("german", "die Lieferungen", ["lieferung"]),
        ("cjk", "自走砲", ["自走", "走砲"]),
        ("turkish", "füzeleri", ["füze"]),
        ("french", "l'armée achète des missiles", ["arme", "achet", "misil"]),
        ("spanish", "los misiles", ["misil"]),
        ("indonesian", "pembelian", ["beli"]),
        ("hindi", "मिसाइलें", ["मिसाइल"]),
        ("thai", "ขีปนาวุธใหม่", ["ขีปนาวุธ", "ใหม่"]),
    ],
)
def test_words_become_the_stems_of_their_language(
    es: Elasticsearch, analyzer: str, text: str, stems: list[str]
) -> None:
    assert tokens(es, text, analyzer=analyzer) == stems


def test_every_analyzer_and_filter_is_there(es: Elasticsearch) -> None:
    components = named_components()
    assert sorted(components["org.elasticsearch.plugin.analysis.AnalyzerFactory"]) == sorted(ANALYZERS)
    for name in ANALYZERS:
        es.indices.analyze(analyzer=name, text="word")
    for name in components["org.elasticsearch.plugin.analysis.TokenFilterFactory"]:
        es.indices.analyze(tokenizer="standard", filter=[name], text="word")


def test_filters_make_forms_alike(es: Elasticsearch) -> None:
    assert tokens(es, "Đorđević São", tokenizer="standard", filter=["lowercase", "asciifolding"]) == [
        "dordevic",
        "sao",
    ]
    assert tokens(es, "Ｆ１６ ﾐｻｲﾙ", tokenizer="standard", filter=["cjk_width"]) == ["F16", "ミサイル"]
    assert tokens(es, "٣٥", tokenizer="standard", filter=["decimal_digit"]) == ["35"]


def test_a_mapping_of_the_full_distribution_works_unchanged(es: Elasticsearch) -> None:
    es.indices.create(
        index="mapped", mappings={"properties": {lang: {"type": "text", "analyzer": lang} for lang in ANALYZERS}}
    )
    es.index(index="mapped", document={"russian": "Поставка ракет", "german": "Raketenlieferungen"}, refresh=True)
    assert es.count(index="mapped", query={"match": {"russian": "ракеты"}})["count"] == 1
    assert es.count(index="mapped", query={"match": {"german": "Raketenlieferung"}})["count"] == 1


def test_clients_learn_whom_they_talk_to(es: Elasticsearch) -> None:
    info = es.info()
    assert info.meta.headers["X-elastic-product"] == "Elasticsearch"
    assert info["cluster_name"] == "polywire"
    assert info["version"]["number"].startswith("8.")
    assert len(info["cluster_uuid"]) == 22
    assert es.ping()
