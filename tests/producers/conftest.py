"""Fixtures of the producers' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.producers.sites import KeptArticles, Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def kept() -> KeptArticles:
    return KeptArticles()
