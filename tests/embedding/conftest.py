"""The embedding model, built once for the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.settings import Settings
from streams.embedding import Embedder, build_model


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    folder = Settings().cache_dir
    build_model(folder)
    return folder


@pytest.fixture(scope="session")
def embedder(cache_dir: Path) -> Embedder:
    return Embedder.load(cache_dir)
