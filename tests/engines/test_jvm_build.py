"""The build's own care: once, whole or not at all, alone, and with an error that says what to do.

A JDK and a Maven made of shell scripts stand in for the real ones, which the tests marked `jvm` use.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from polywire.engines.jvm.build import build, installed, is_built, missing
from polywire.engines.jvm.folders import claim, refuse_closed
from runtime.errors import UserError

JAVA = """#!/bin/sh
echo "    java.home = {home}" >&2
echo "    java.specification.version = {version}" >&2
"""
MVN = """#!/bin/sh
echo run >> "{log}"
for argument; do
  case "$argument" in
    -Dinstall.dir=*) install="${{argument#*=}}" ;;
    -DbuildDirectory=*) target="${{argument#*=}}" ;;
  esac
done
mkdir -p "$install/kafka/lib" "$install/unpacked/elasticsearch-8.19.21" "$target"
touch "$install/kafka/lib/kafka_2.13-4.3.0.jar" "$target/polywire-analysis.jar"
{then}
"""
Tools = Callable[..., Path]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Makes the tools; returns the file in which each run of Maven leaves a line."""

    def make(*, version: str = "17", then: str = "", without: str = "") -> Path:
        home, path, log = tmp_path / "jdk", tmp_path / "path", tmp_path / "maven.log"
        log.touch()
        scripts = {
            home / "bin" / "java": JAVA.format(home=home, version=version),
            home / "bin" / "javac": "",
            path / "mvn": MVN.format(log=log, then=then),
        }
        for script, text in scripts.items():
            script.parent.mkdir(parents=True, exist_ok=True)
            if script.name != without:
                script.write_text(text)
                script.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(home))
        monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin" if without != "mvn" else str(path))
        return log

    return make


def silent(_: str) -> None:
    pass


def test_built_once_and_then_without_any_tool(tools: Tools, tmp_path: Path) -> None:
    log = tools()
    folder = build(tmp_path / "cache", silent)
    assert folder == installed(tmp_path / "cache")
    plugin = folder / "elasticsearch" / "plugins" / "polywire-analysis"
    assert {p.name for p in plugin.iterdir()} == {
        "polywire-analysis.jar",
        "named_components.json",
        "stable-plugin-descriptor.properties",
    }
    shutil.rmtree(tmp_path / "jdk")
    shutil.rmtree(tmp_path / "path")
    assert build(tmp_path / "cache", silent) == folder
    assert log.read_text().splitlines() == ["run"]


def test_others_may_read_what_a_strict_umask_builds(tools: Tools, tmp_path: Path) -> None:
    tools()
    before = os.umask(0o077)
    try:
        folder = build(tmp_path / "cache", silent)
    finally:
        os.umask(before)
    for path in [tmp_path / "cache", tmp_path / "cache" / "engines", folder, *folder.rglob("*")]:
        wanted = 0o005 if path.is_dir() else 0o004
        assert path.stat().st_mode & wanted == wanted, path


def test_two_builds_at_once_are_one(tools: Tools, tmp_path: Path) -> None:
    log = tools(then="sleep 1")
    context = multiprocessing.get_context("spawn")
    builds = [context.Process(target=build, args=(tmp_path / "cache", silent)) for _ in range(2)]
    for process in builds:
        process.start()
    for process in builds:
        process.join(60)
    assert [process.exitcode for process in builds] == [0, 0]
    assert log.read_text().splitlines() == ["run"]


def test_a_killed_build_is_not_taken_for_done(tools: Tools, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    log = tools(then="exec sleep 60")
    code = f"from pathlib import Path; from polywire.engines.jvm.build import build; build(Path({str(cache)!r}), print)"
    builder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    while not log.read_text():
        assert builder.poll() is None
        time.sleep(0.05)
    builder.kill()
    builder.wait()
    assert not is_built(cache)
    tools()
    folder = build(cache, silent)
    assert is_built(cache)
    assert {p.name for p in (cache / "engines").iterdir()} == {folder.name, f"{folder.name}.lock"}


def test_the_next_build_waits_until_maven_of_a_killed_one_is_gone(tools: Tools, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    tools(then=f"trap '' TERM; touch '{tmp_path}/deaf'; sleep 1; mkdir -p \"$install\"; touch '{tmp_path}/ended'")
    code = f"from pathlib import Path; from polywire.engines.jvm.build import build; build(Path({str(cache)!r}), print)"
    builder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    while not (tmp_path / "deaf").exists():
        assert builder.poll() is None
        time.sleep(0.05)
    builder.kill()
    builder.wait()
    tools()
    told: list[str] = []
    folder = build(cache, told.append)
    assert (tmp_path / "ended").exists()
    assert told[0].startswith("another build is under way")
    assert {p.name for p in (cache / "engines").iterdir()} == {folder.name, f"{folder.name}.lock"}


def test_what_maven_complains_of_is_told(tools: Tools, tmp_path: Path) -> None:
    tools(then="echo '[ERROR] Could not transfer artifact'; exit 1")
    with pytest.raises(UserError, match="Could not transfer artifact"):
        build(tmp_path / "cache", silent)
    assert not is_built(tmp_path / "cache")


@pytest.mark.parametrize(
    ("setup", "told"),
    [
        ({"without": "java"}, "where there is none: apt-get install openjdk-17"),
        ({"without": "javac"}, "has no compiler: apt-get install openjdk-17"),
        ({"without": "mvn"}, "need Maven, .*: apt-get install .* maven"),
        ({"version": "11"}, "need Java 17 or newer, and .* is 11: apt-get install openjdk-17"),
        ({"version": "1.8"}, "is 8: apt-get install"),
    ],
)
def test_a_missing_tool_is_told_of(tools: Tools, tmp_path: Path, setup: dict[str, str], told: str) -> None:
    tools(**setup)
    with pytest.raises(UserError, match=told):
        build(tmp_path / "cache", silent)
    assert missing(tmp_path / "cache") is not None


def test_no_java_on_the_path_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="none on the PATH: apt-get install openjdk-17"):
        build(tmp_path / "cache", silent)


def test_a_wiped_state_folder_does_not_find_the_index_of_before(tmp_path: Path) -> None:
    state, elastic = tmp_path / "state", tmp_path / "elsewhere"
    claim(state, elastic)
    (elastic / "data").write_text("alerts")
    claim(state, elastic)
    assert (elastic / "data").exists()
    shutil.rmtree(state)
    claim(state, elastic)
    assert not (elastic / "data").exists()


def test_a_folder_that_the_unprivileged_user_may_not_enter_is_told_of(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "engines").mkdir(parents=True)
    tmp_path.chmod(0o755)
    closed.chmod(0o700)
    with pytest.raises(UserError, match=r"may not enter .*: set POLYWIRE_CACHE_DIR"):
        refuse_closed(closed / "engines")
