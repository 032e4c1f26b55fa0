"""Ordinary mistakes end in one line that says what to do, and lists show ids that can be used."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from polywire.commands.reading import listing
from polywire.supervision.process import free_port, last_words
from polywire.supervision.supervisor import Supervisor
from runtime.settings import Settings


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "polywire", *arguments],
        cwd=cwd, env={**os.environ, "POLYWIRE_STATE_DIR": str(cwd / "state"), **environment}, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", [["topics", "create"], ["deadletters", "list"], ["subscriptions", "list"]])
def test_nothing_is_up(command: list[str], tmp_path: Path) -> None:
    done = run(*command, cwd=tmp_path, POLYWIRE_KAFKA_BOOTSTRAP="127.0.0.1:9")
    assert done.returncode == 1
    assert "polywire up" in done.stderr
    assert len(done.stderr.splitlines()) <= 3


def test_an_engine_that_hangs_is_named_and_nobody_is_told_to_start_what_is_up(tmp_path: Path) -> None:
    commands = {
        "deadletters list": "Kafka at 127.0.0.1:",
        "search x": "Elasticsearch at http://127.0.0.1:",
        "index status": "Elasticsearch at http://127.0.0.1:",
    }
    environment = {**os.environ, "POLYWIRE_STATE_DIR": str(tmp_path / "state"), "COLUMNS": "400"}
    settings = Settings(engines="embedded", state_dir=tmp_path / "state", web_port=free_port())
    with Supervisor(settings, (), lambda *_: None) as supervisor:
        supervisor.start()
        server = supervisor._engine._server.pid  # type: ignore[attr-defined]
        os.kill(server, signal.SIGSTOP)
        try:
            asked = {
                command: subprocess.Popen(
                    [sys.executable, "-m", "polywire", *command.split()],
                    cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
                )
                for command in commands
            }  # fmt: skip
            said = {command: process.communicate(timeout=120)[1] for command, process in asked.items()}
        finally:
            os.kill(server, signal.SIGCONT)
    for command, engine in commands.items():
        assert asked[command].returncode == 1
        assert "polywire is up in" in said[command]
        assert f"but {engine}" in said[command]
        assert "does not answer" in said[command]
        assert "Start polywire" not in said[command]


@pytest.mark.parametrize("command", [["resume"], ["list", "--stage"], ["replay", "--all", "--stage"]])
def test_a_stage_that_there_is_not_is_refused_with_those_there_are(command: list[str], tmp_path: Path) -> None:
    done = run("deadletters", *command, "analyse", cwd=tmp_path, POLYWIRE_KAFKA_BOOTSTRAP="127.0.0.1:9", COLUMNS="400")
    assert done.returncode == 1
    assert "no stage 'analyse'" in done.stderr
    assert "analyze, cluster, enrich, indexer, alerter, notifier" in done.stderr
    assert "up" not in done.stderr


def test_what_a_stage_asks_a_person_for_is_shown_whole(tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path, COLUMNS="40")
    log = tmp_path / "stage.log"
    log.write_text("earlier lines\n" + done.stderr)
    assert last_words(log) == "Error: nothing is up in this folder. Start it with `polywire up` (or `polywire demo`)."


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path, POLYWIRE_FEEDS="notalist")
    assert done.returncode == 2
    assert "feeds" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "polywire.toml").write_text("engines = ")
    done = run("status", cwd=tmp_path)
    assert done.returncode == 2
    assert "polywire.toml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["localhost:9200", "http://", "ftp://host"])
def test_an_address_of_elasticsearch_that_is_none(tmp_path: Path, url: str) -> None:
    done = run("search", "x", cwd=tmp_path, POLYWIRE_ELASTICSEARCH_URL=url)
    assert done.returncode == 2
    assert "such as http://127.0.0.1:9200" in done.stderr
    assert "Traceback" not in done.stderr


def test_files_where_folders_belong_and_full_disks(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    done = run("up", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "state" in done.stderr


def test_closed_input_and_full_output(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"title": "A title", "text": "A text"}\n')
    python = f"{sys.executable} -m polywire"
    for line, why in (
        (f"{python} process - -o out.jsonl <&-", "there is no standard input"),
        (f"{python} process in.jsonl > /dev/full", "No space left on device"),
    ):
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, timeout=90, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
        assert why in done.stderr
        assert "Traceback" not in done.stderr


def test_a_misspelled_setting_is_noticed(tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path, POLYWIRE_WEBPORT="8081", POLYWIRE_WEB_HOST="127.0.0.1", POLYWIRE_TEST_STRICT="1")
    said = " ".join(done.stderr.split())
    assert "POLYWIRE_WEBPORT is no setting and does nothing; POLYWIRE_WEB_PORT is one" in said
    assert said.count("is no setting") == 1


def test_a_mistake_is_shown_as_it_was_typed(tmp_path: Path) -> None:
    done = run("[/stories]", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such command: [/stories]" in done.stderr


@pytest.mark.parametrize("width", [60, 80, 200])
def test_ids_stay_whole_and_rows_on_one_line(width: int) -> None:
    out = io.StringIO()
    screen = Console(file=out, width=width)
    story = "s" + "0123456789abcdef01234567"
    screen.print(listing(screen, ("story", "title", "n"), [(story, "A title " * 40, "3")] * 2, "title"))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert all(story in line and "…" in line for line in lines[1:])


def test_a_death_is_not_explained_by_what_was_told_before(tmp_path: Path) -> None:
    log = tmp_path / "notifier.log"
    log.write_text("update Russia sells Su-35\n")
    assert last_words(log) == ""
    log.write_text("Traceback (most recent call last):\nValueError: no such port\nupdate Russia sells Su-35\n")
    assert last_words(log) == "ValueError: no such port"


def test_a_death_is_not_explained_by_what_was_wrong_long_before(tmp_path: Path) -> None:
    log = tmp_path / "notifier.log"
    line = {"level": "error", "event": "Heartbeat session expired"}
    for minutes, words in ((10, ""), (0, "Heartbeat session expired")):
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        log.write_text(json.dumps({**line, "timestamp": at.isoformat()}) + "\nand so on\n")
        assert last_words(log) == words


def test_a_death_is_explained_by_the_last_line_of_its_trace(tmp_path: Path) -> None:
    log = tmp_path / "cluster.log"
    trace = "Traceback (most recent call last):\n  ...\nKeyError: 'story'\n"
    log.write_text(json.dumps({"level": "error", "event": "died", "exception": trace}) + '\n{"level": "info"}\n')
    assert last_words(log) == "KeyError: 'story'"
    log.write_text('{"level": "error", "event": "died"}\n')
    assert last_words(log) == "died"
