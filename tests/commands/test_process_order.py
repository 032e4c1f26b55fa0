"""In which order `polywire process` takes the lines of a file, and what it says of those that it cannot use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from polywire.commands.process import _in_order, _Task
from schemas.articles import RawArticle

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def order(*days: int | None) -> list[int]:
    """The numbers of lines in the order they are taken; `days`: when each was published, from now on."""
    tasks = [
        _Task(
            number,
            number,
            RawArticle(
                id=f"article-{number:04}", source="s", title="t", collected=NOW,
                published=None if day is None else NOW + timedelta(days=day),
            ),
        )
        for number, day in enumerate(days, start=1)
    ]  # fmt: skip
    return [task.number for task in _in_order(tasks)]


def test_by_time_and_without_one_after_the_line_before() -> None:
    assert order(-1, None, -3, None, -2) == [3, 4, 5, 1, 2]


def test_a_date_that_cannot_be_counts_as_none() -> None:
    assert order(-3, 4_000, None, -2) == [1, 2, 3, 4]


def test_a_line_that_cannot_be_used_is_told_of_and_written_down(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": "1", "title": "t", "published": "soon"}) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "polywire", "process", str(source), "-o", str(tmp_path / "out.jsonl")],
        cwd=tmp_path, env={**os.environ, "COLUMNS": "300"}, timeout=120, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "line 1:" in done.stderr
    (rejected,) = map(json.loads, (tmp_path / "out.jsonl.rejected").read_text().splitlines())
    assert rejected["reason"] in done.stderr
