"""Engines for the tests that need real ones, and the switch between them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from polywire.engines import make_engine
from polywire.engines.jvm.folders import discard
from runtime.settings import Settings
from streams.entities.statistical import PACKAGES

# The same examples in every run, and no limit of time for one: a build fails for what was changed, not by luck. To look
# for more: pytest --hypothesis-profile=search
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", max_examples=5_000, deadline=None)
hypothesis.settings.load_profile("same")

STRICT = "POLYWIRE_TEST_STRICT"
"""Set where nothing may be skipped (CI): a test that would be skipped fails instead."""

_NEEDS = {
    "jvm": (
        lambda: shutil.which("javac") is not None and shutil.which("mvn") is not None,
        "needs a JDK 17 and Maven: apt-get install openjdk-17-jdk-headless maven",
    ),
    "names": (
        lambda: all(importlib.util.find_spec(package) for package in PACKAGES.values()),
        "needs spaCy's models of names: make names",
    ),
    "browser": (
        lambda: Path("/usr/bin/chromium").exists() and Path("/usr/bin/chromedriver").exists(),
        "needs a browser: apt-get install chromium chromium-driver",
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines", choices=("embedded", "jvm"), default="embedded", help="what tests marked `engine` run on"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_jvm = config.getoption("--engines") == "jvm"
    if not on_jvm:
        # `make test` runs these on the real engines, in a second call.
        left_out = [item for item in items if item.get_closest_marker("real_engines")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        for marker, (there, how) in _NEEDS.items():
            wanted = item.get_closest_marker(marker) or (
                marker == "jvm" and on_jvm and item.get_closest_marker("engine")
            )
            if wanted and not there():
                item.add_marker(pytest.mark.skip(reason=how))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if os.environ.get(STRICT) and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and {STRICT} allows no skip: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings for engines that are up for the whole run."""
    yield from _running(request.config.getoption("--engines"), tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def fresh_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings for engines of this module's own: topics and indices are empty."""
    yield from _running(request.config.getoption("--engines"), tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def settings(engine: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings for the shared engines, with a state folder and an index prefix of the test's own."""
    prefix = "t" + format(abs(hash(request.node.nodeid)) % 16**10, "010x")
    return engine.model_copy(update={"state_dir": tmp_path / "state", "index_prefix": prefix})


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names a proxy for everything, and none is there."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def _running(name: str, folder: Path) -> Iterator[Settings]:
    base = Settings(engines=name, state_dir=folder)
    running = make_engine(name, base)
    addresses = running.start()
    yield base.model_copy(
        update={
            "kafka_bootstrap": addresses.kafka_bootstrap,
            "elasticsearch_url": addresses.elasticsearch_url,
        }
    )
    running.stop()
    if name == "jvm":
        discard(folder)
