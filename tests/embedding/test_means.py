"""Language means: centring, keeping, estimating."""

from __future__ import annotations

import numpy as np

from streams.embedding import LanguageMeans, center, shipped_means
from streams.embedding.estimate import estimate_means
from streams.embedding.means import SHIPPED


def _vectors(count: int, shift: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, 384)) + shift).astype(np.float32)


def test_centring_takes_the_languages_mean_off() -> None:
    means = LanguageMeans(np.zeros(384))
    means.put("xx", np.full(384, 3.0))
    vectors = _vectors(5, 3.0, 1)
    centred = means.center(vectors, ["xx"] * 5)
    expected = vectors - 3.0
    assert np.allclose(centred, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


def test_an_unknown_language_falls_back_to_kin_then_to_all() -> None:
    means = LanguageMeans(np.ones(384))
    means.put("ku", np.full(384, 2.0))
    assert means.mean("ckb")[0] == 2.0
    assert means.mean("qqq")[0] == 1.0


def test_means_are_kept_to_half_precision() -> None:
    means = LanguageMeans(_vectors(1, 0.0, 1)[0])
    means.put("xx", _vectors(1, 1.0, 2)[0])
    kept = LanguageMeans.from_bytes(means.to_bytes())
    assert kept.languages == ["xx"]
    assert np.allclose(kept.mean("xx"), means.mean("xx"), atol=2e-3)
    assert np.allclose(kept.overall, means.overall, atol=2e-3)
    assert LanguageMeans.from_bytes(kept.to_bytes()).to_bytes() == kept.to_bytes()


def test_shipped_means_cover_the_news_and_are_small() -> None:
    assert {"en", "ms", "ar", "zh", "am", "bem", "zu", "vi"} <= set(shipped_means().languages)
    assert len(shipped_means().languages) > 140
    assert SHIPPED.stat().st_size < 200_000
    assert np.allclose(np.linalg.norm(center(_vectors(2, 0.0, 1), ["en", "qqq"]), axis=1), 1.0, atol=1e-5)


class _Planted:
    """A backend whose vectors are what a text is about plus what language it is in."""

    def __init__(self) -> None:
        random = np.random.default_rng(3)
        self.parts = {name: random.normal(size=384) for name in ("aa", "bb", "s1", "s2")}

    def embed(self, texts: list[str]) -> np.ndarray:
        return np.array([sum(self.parts.get(w, np.zeros(384)) for w in text.split()) for text in texts], np.float32)


def test_estimate_separates_language_from_topic(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("streams.embedding.estimate.CODES", {"aa": "x", "bb": "y"})
    (tmp_path / "declaration").mkdir()
    for name in "xy":
        (tmp_path / "declaration" / f"{name}.html").write_text("<body><p>text</p></body>")
    news = [
        {"lang": lang, "story": s, "title": f"{lang} {s}", "text": ""} for lang in ("aa", "bb") for s in ("s1", "s2")
    ]
    backend = _Planted()
    means = estimate_means(backend, news, tmp_path, lambda *_: None)
    assert np.allclose(means.mean("aa") - means.mean("bb"), backend.parts["aa"] - backend.parts["bb"], atol=1e-5)
