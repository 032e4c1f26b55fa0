"""The fault trial in short: see docs/faults.md, and `make faults` for the long one."""

from __future__ import annotations

import os

import pytest

from runtime.settings import Settings
from streams.embedding import build_model
from tests.faults.trial import Trial

SEED = int(os.environ.get("FAULTS_SEED", "1"))
"""The same in every build, so that a build fails for what was changed. Another: FAULTS_SEED=2."""


@pytest.mark.engine
@pytest.mark.real_engines
@pytest.mark.timeout(600)
def test_whatever_fails_meanwhile_every_article_comes_through_and_every_story_is_told_once() -> None:
    build_model(Settings().cache_dir, None)
    lines: list[str] = []
    found = Trial(articles=80, seed=SEED, seconds=48, pause=4, patience=150).run(lines.append)
    assert not found, "\n".join([*lines, *found])
