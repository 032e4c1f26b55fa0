"""The contracts of import-linter (`make lint`) name every part there is, since nothing is held against the others."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in LINTER["contracts"]}
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
PARTS = {
    f"streams.{path.stem}"
    for path in (ROOT / "streams").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"streams.__init__"}


def test_every_package_is_looked_at() -> None:
    assert set(LINTER["root_packages"]) == PACKAGES


def test_every_part_has_its_floor() -> None:
    layers = CONTRACTS["Arrows run one way"]["layers"]
    assert {part.strip() for layer in layers for part in layer.split("|")} == PACKAGES - {"streams"} | PARTS


def test_every_part_that_decides_is_pure() -> None:
    pure = CONTRACTS["What decides knows neither the runtime nor a client"]["source_modules"]
    assert PARTS - {"streams.apps"} <= set(pure)


def test_every_folder_with_modules_is_a_package() -> None:
    """One that is none is not looked at (quality/bench was not, and an arrow of its ran back up)."""
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
