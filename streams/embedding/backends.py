"""Which engine embeds: the built-in one, or sentence-transformers where a setting asks for it."""

from __future__ import annotations

from pathlib import Path

from streams.embedding.embedder import Backend, Embedder


def load_backend(cache_dir: Path, *, model: str | None = None, threads: int = 1) -> Backend:
    """The built-in engine with what `build_model` has built under `cache_dir`; with `model`, sentence-transformers.

    Args:
        model: name or folder of a sentence-transformers model; see `SentenceTransformersBackend`.
        threads: of the built-in engine.

    Raises:
        ModelMissing: the model is not there; the message says how to get it.
    """
    if model is None:
        return Embedder.load(cache_dir, threads=threads)
    # Imported here: who does not ask for it need not have it.
    from streams.embedding.transformers import SentenceTransformersBackend

    return SentenceTransformersBackend(model)
