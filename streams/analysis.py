"""What can be read from one article alone: language, embedding, entities, deals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.articles import MAX_META, AnalyzedArticle, RawArticle, fitting_meta
from streams.deals import DealReader
from streams.embedding import Backend, ModelMissing, embed_article, load_backend
from streams.entities import EntityRecognizer, statistical, without_passing_words
from streams.language import LanguageDetector

READ_CHARACTERS = 100_000
"""Of a longer text only the first so many characters are read for entities and deals: the time an article takes is
bounded, and no news report is longer. What is cut is said in `notes`."""
_DIGITS = 5


class Analyzer:
    """Reads articles. Not for use from several threads at once."""

    def __init__(self, embedder: Backend, *, name_models: bool = False) -> None:
        self._embedder = embedder
        self._detector = LanguageDetector()
        self._recognizer = EntityRecognizer(name_models=name_models)
        self._deals = DealReader()

    @classmethod
    def load(
        cls, cache_dir: Path, *, threads: int = 1, embedding_model: str | None = None, name_models: bool = False
    ) -> Analyzer:
        """With the model from `cache_dir`, or that of sentence-transformers which the setting `embedding_model` names;
        and with the models of names where the setting `name_models` is on.

        Raises:
            ModelMissing: one is not there; the message says how to get it.
        """
        if name_models:
            try:
                statistical.check()
            except statistical.NamesMissing as error:
                raise ModelMissing(str(error)) from error
        return cls(load_backend(cache_dir, model=embedding_model, threads=threads), name_models=name_models)

    def analyze(self, article: RawArticle) -> AnalyzedArticle:
        """The article with everything read from it. Deterministic."""
        detection = self._detector.detect(article.title, article.text, hint=article.language)
        vector = embed_article(self._embedder, article.title, article.text, detection.language)
        text = article.full_text
        notes = []
        if len(text) > READ_CHARACTERS:
            notes.append(f"entities and deals read in the first {READ_CHARACTERS} of {len(text)} characters")
            text = text[:READ_CHARACTERS]
        meta = fitting_meta(article.meta)
        if len(meta) < len(article.meta):
            left = len(article.meta) - len(meta)
            notes.append(f"meta: {left} of {len(article.meta)} entries left out, together more than {MAX_META} bytes")
        body = text[len(article.title) + 1 :]
        entities, unlinked = self._recognizer.read(text, detection.language)
        reading = self._deals.read(article.title, body, detection.language, entities, self._embedder.embed)
        fields = article.model_dump()
        fields.update(
            meta=meta,
            language=detection.language,
            language_confidence=detection.confidence,
            language_hint=article.language,
            embedding=vector.astype(np.float64).round(_DIGITS).tolist(),
            entities=entities if reading.arms_deal else without_passing_words(entities),
            unlinked=unlinked,
            deals=reading.deals,
            arms_deal=reading.arms_deal,
            arms_deal_score=reading.score,
            notes=notes,
        )
        return AnalyzedArticle.model_validate(fields)
