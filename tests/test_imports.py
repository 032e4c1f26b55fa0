"""The table in docs/architecture.md: who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("schemas", "producers", "streams", "consumers", "polywire")
BUS = ("faust", "kafka", "aiokafka", "elasticsearch")
STAGES = ("producers", "streams", "consumers")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def modules(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def broken(folder: str, forbidden: tuple[str, ...], but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in modules(folder)
        for module in imported(path)
        if within(module, forbidden) and not within(module, but)
    ]


def test_schemas_import_nothing_of_ours() -> None:
    assert broken("schemas", OURS, but=("schemas",)) == []


def test_runtime_imports_only_schemas() -> None:
    assert broken("polywire/runtime", OURS, but=("schemas", "polywire.runtime")) == []


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_know_the_command_line(stage: str) -> None:
    assert broken(stage, ("polywire",), but=("polywire.runtime",)) == []


OTHERS = {
    "producers": ("streams", "consumers"),
    "streams": ("producers", "consumers"),
    "consumers": ("producers", "streams.apps"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_know_each_other(stage: str) -> None:
    assert broken(stage, OTHERS[stage]) == []


@pytest.mark.parametrize("folder", ["language", "embedding", "entities", "deals", "stories", "enrichment"])
def test_what_decides_knows_no_bus(folder: str) -> None:
    assert broken(f"streams/{folder}", (*BUS, "polywire", "producers", "consumers")) == []


def test_query_matching_knows_no_bus() -> None:
    assert broken("consumers/query", BUS) == []
