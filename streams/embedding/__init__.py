"""Article text to a vector of 384 numbers that is near for the same news in any language."""

from streams.embedding.article import article_text
from streams.embedding.backends import load_backend
from streams.embedding.embedder import DIMENSIONS, Backend, Embedder, ModelMissing, embed_article
from streams.embedding.means import LanguageMeans, center, shipped_means
from streams.embedding.quantised import build_model

__all__ = [
    "DIMENSIONS",
    "Backend",
    "Embedder",
    "LanguageMeans",
    "ModelMissing",
    "article_text",
    "build_model",
    "center",
    "embed_article",
    "load_backend",
    "shipped_means",
]
