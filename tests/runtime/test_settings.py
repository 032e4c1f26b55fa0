"""Settings come from the environment, the file, the run that is up, then the defaults; in that order."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from polywire.engines.base import Hold
from runtime.runfile import RUN_FILE, RUN_LOCK
from runtime.settings import Settings
from runtime.settings_doc import settings_markdown


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("POLYWIRE_")]:
        monkeypatch.delenv(name)


def run_file() -> None:
    Path(".polywire").mkdir()
    run = {"settings": {"kafka_bootstrap": "127.0.0.1:1", "unknown": 1}, "stages": []}
    (Path(".polywire") / RUN_FILE).write_text(json.dumps(run))


def test_a_run_that_is_up_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    run_file()
    hold = Hold(Path(".polywire"), RUN_LOCK)
    hold.take()
    assert Settings().kafka_bootstrap == "127.0.0.1:1"
    Path("polywire.toml").write_text('kafka_bootstrap = "127.0.0.1:2"\n')
    assert Settings().kafka_bootstrap == "127.0.0.1:2"
    monkeypatch.setenv("POLYWIRE_KAFKA_BOOTSTRAP", "127.0.0.1:3")
    assert Settings().kafka_bootstrap == "127.0.0.1:3"
    hold.release()


def test_a_run_whose_process_is_gone_counts_for_nothing() -> None:
    run_file()
    assert Settings().kafka_bootstrap == "127.0.0.1:9092"


def test_a_wrong_setting_is_an_error() -> None:
    Path("polywire.toml").write_text("web_prot = 80\n")
    with pytest.raises(ValidationError, match="web_prot"):
        Settings()


def test_the_page_of_settings_is_fresh() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == settings_markdown(), "run: make docs"
