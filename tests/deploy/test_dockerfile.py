"""The Dockerfile: pinned, without rights, with all that the stages need and nothing that they must not have."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "producers", "streams", "consumers", "polywire")


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, in order, continuation lines joined and comments left out."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


STEPS = instructions()
SECOND = max(n for n, (what, _) in enumerate(STEPS) if what == "FROM")
FINAL = STEPS[SECOND:]


def of(what: str, steps: list[tuple[str, str]] = STEPS) -> list[str]:
    return [arguments for name, arguments in steps if name == what]


def environment() -> dict[str, str]:
    return dict(item.split("=", 1) for line in of("ENV", FINAL) for item in line.split())


def ignored(path: str) -> bool:
    """By .dockerignore: the last rule that matches decides; a rule for a folder is one for all in it."""
    verdict = False
    for rule in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!")
        parents = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        names = [pattern, pattern.removeprefix("**/")]
        if any(fnmatch(part, name) for part in parents for name in names):
            verdict = not rule.startswith("!")
    return verdict


def test_two_stages_from_one_pinned_base() -> None:
    base = dict(item.split("=") for item in of("ARG"))["PYTHON_IMAGE"]
    assert re.fullmatch(r"python:3\.1\d\.\d+-slim-[a-z]+", base)
    assert [line.split()[0] for line in of("FROM")] == ["${PYTHON_IMAGE}"] * 2


def test_runs_as_nobody_in_particular() -> None:
    assert of("USER", FINAL) == ["10001:10001"]
    after = FINAL[[name for name, _ in FINAL].index("USER") :]
    assert not [name for name, _ in after if name in {"RUN", "COPY"}]


def test_model_is_built_in_and_found_there() -> None:
    built = [line for line in of("RUN") if line.endswith("polywire models build")]
    assert built == ["POLYWIRE_CACHE_DIR=/opt/polywire/cache polywire models build"]
    assert "--from=build /opt/polywire /opt/polywire" in of("COPY", FINAL)
    assert environment()["POLYWIRE_CACHE_DIR"] == "/opt/polywire/cache"


def test_environment_is_settings_there_are() -> None:
    given = {k.removeprefix("POLYWIRE_").lower(): v for k, v in environment().items() if k.startswith("POLYWIRE_")}
    settings = Settings.model_validate(given)
    assert settings.engines == "external"
    assert settings.metrics_port == 9100
    assert {"8080", "9100"} == set(of("EXPOSE")[0].split())


def test_health_check_is_ours() -> None:
    (check,) = of("HEALTHCHECK", FINAL)
    assert '"/opt/polywire/deploy/healthcheck.py"' in check


@pytest.mark.parametrize("line", [line for line in of("COPY") if "--from" not in line])
def test_what_is_copied_is_there_and_not_ignored(line: str) -> None:
    *sources, _target = line.split()
    for source in sources:
        assert not ignored(source), source
        assert (ROOT / source).exists(), source


@pytest.mark.parametrize(
    "path", [".env", ".git", ".venv", "tests", "polywire/__pycache__", "streams/x.pyc", "docker-compose.yml", "bench"]
)
def test_nothing_else_goes_into_the_build(path: str) -> None:
    assert ignored(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_data_files_of_packages_are_installed(package: str) -> None:
    """An installed polywire has only what pyproject.toml names; in a checkout nothing is missed.

    A folder whose name is not that of a package is left out as well. The examples of messages are for tests only.
    """
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    left_out = [
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and ROOT / "schemas" / "examples" not in path.parents
        and path.suffix not in {".py", ".pyc", ".md"}
        and not (
            any(fnmatch(path.name, pattern) for pattern in patterns)
            and all(part.isidentifier() for part in path.relative_to(ROOT).parent.parts)
        )
    ]
    assert left_out == []


def test_dependencies_are_installed_before_the_code_that_changes() -> None:
    install = next(n for n, (_, line) in enumerate(STEPS) if "requirements.txt" in line)
    code = next(n for n, (what, line) in enumerate(STEPS) if what == "COPY" and line.startswith("polywire "))
    assert install < code
