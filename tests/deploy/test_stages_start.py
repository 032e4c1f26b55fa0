"""Each service's exact command, with the environment that image and composition give it, on engines that are up."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.settings import Settings

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
STAGES = [
    name for name, service in SERVICES.items() if service["healthcheck"].get("test", [""] * 2)[1] == "python"
]  # fmt: skip
PATIENCE = 120.0
"""Seconds until all of them, on two cores, take messages."""


def image_environment() -> dict[str, str]:
    text = (ROOT / "Dockerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    return dict(re.findall(r"\b(POLYWIRE_[A-Z_]+|O[A-Z]+_NUM_THREADS|PYTHON[A-Z]+)=(\S+)", final))


def service_environment(name: str) -> dict[str, str]:
    """With defaults filled in, and a stand-in for what has none."""
    variable = re.compile(r"\$\{\w+:(?P<how>[-?])(?P<rest>[^}]*)\}")
    return {
        key: variable.sub(lambda m: m["rest"] if m["how"] == "-" else "stand-in", str(value))
        for key, value in SERVICES[name]["environment"].items()
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Container:
    """A service's process, as near to its container as it gets without one."""

    name: str
    environment: dict[str, str]
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "polywire", *SERVICES[self.name]["command"]],
                env=self.environment, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def ready(self) -> bool:
        with suppress(OSError, ValueError):
            url = f"http://127.0.0.1:{self.environment['POLYWIRE_METRICS_PORT']}/healthz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(json.load(answer)["ready"])
        return False

    def check(self) -> int:
        """The health check of the composition."""
        _, python, script, *_end_stalled = SERVICES[self.name]["healthcheck"]["test"]
        assert python == "python"
        path = ROOT / script.removeprefix("/opt/polywire/")
        return subprocess.run([sys.executable, str(path)], env=self.environment, check=False, timeout=10).returncode

    def resident(self) -> int:
        """Bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match
        return int(match[1]) * 1024

    def end_of_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]


def environment(name: str, settings: Settings, folder: Path) -> dict[str, str]:
    given = {**image_environment(), **service_environment(name)}
    given["POLYWIRE_KAFKA_BOOTSTRAP"] = settings.kafka_bootstrap
    if "POLYWIRE_ELASTICSEARCH_URL" in given:
        given["POLYWIRE_ELASTICSEARCH_URL"] = settings.elasticsearch_url
    if name == "feeds":
        given["POLYWIRE_FEEDS"] = '["http://127.0.0.1:9/nothing-is-served-here.rss"]'
    inside = {
        "POLYWIRE_CACHE_DIR": str(settings.cache_dir),
        "POLYWIRE_STATE_DIR": str(folder),
        "POLYWIRE_METRICS_PORT": str(free_port()),
        "POLYWIRE_WEB_PORT": str(free_port()),
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
    }
    return {**given, **inside}


@pytest.fixture(scope="module")
def containers(fresh_engine: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Container]]:
    """Topics made by their service, then every stage, all at once as Compose would."""
    base = tmp_path_factory.mktemp("containers")

    def start(name: str) -> Container:
        return Container(name, environment(name, fresh_engine, base / name), base / name)

    models = [sys.executable, "-m", "polywire", "models", "build"]
    subprocess.run(models, env={**os.environ, "POLYWIRE_CACHE_DIR": str(fresh_engine.cache_dir)}, check=True)
    topics = start("topics")
    assert topics.process.wait(60) == 0, topics.end_of_log()
    running = {name: start(name) for name in STAGES}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not all(
        stage.ready() or stage.process.poll() is not None for stage in running.values()
    ):
        time.sleep(0.5)
    yield running
    for stage in running.values():
        stage.process.kill()
        stage.process.wait()


@pytest.mark.parametrize("name", STAGES)
def test_stage_starts_fits_and_passes_its_health_check(name: str, containers: dict[str, Container]) -> None:
    stage = containers[name]
    assert stage.process.poll() is None, stage.end_of_log()
    assert stage.ready(), stage.end_of_log()
    assert stage.check() == 0
    size, unit = re.fullmatch(r"(\d+)([mg])", SERVICES[name]["mem_limit"]).groups()  # type: ignore[union-attr]
    limit = int(size) * {"m": 2**20, "g": 2**30}[unit]
    assert stage.resident() < 0.7 * limit, "the limit leaves too little room for work"


@pytest.mark.parametrize("name", STAGES)
def test_stage_ends_in_time_when_told_to(name: str, containers: dict[str, Container]) -> None:
    stage = containers[name]
    grace = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    stage.process.send_signal(signal.SIGTERM)
    status = stage.process.wait(grace)
    # uvicorn shuts down in order, and then lets the signal have its way.
    in_order = status == 0 or (status == -signal.SIGTERM and "shutdown complete" in stage.end_of_log())
    assert in_order, f"{status}: {stage.end_of_log()}"
