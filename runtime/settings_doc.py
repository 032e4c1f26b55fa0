"""docs/settings.md, generated from the Settings model. `make docs` writes it; a test fails when it is stale."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from runtime.settings import Settings


def settings_markdown() -> str:
    """A table of every setting: name, type, default, meaning."""
    lines = [
        "# Settings",
        "",
        "Generated from `runtime/settings.py` by `make docs`. Do not edit: a test fails when it is stale.",
        "",
        "Each setting can be given in the environment as `POLYWIRE_NAME` (upper case; lists and tables as JSON) or in",
        "`polywire.toml` as `name = …`; the environment wins. Where neither says it, the addresses of the engines that",
        "`polywire up` or `polywire demo` has started from this folder are used, then the default.",
        "",
        "| setting | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        if field.default_factory is not None:
            shown = "see the meaning" if name == "cache_dir" else "none"
        elif default is None or default is PydanticUndefined:
            shown = "none"
        else:
            shown = f"`{default}`"
        lines.append(f"| `{name}` | {_type(field.annotation)} | {shown} | {_cell(field.description or '')} |")
    return "\n".join(lines) + "\n"


def _type(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) in {list, tuple, set, frozenset}:
        return f"list of {_type(arguments[0])}"
    if typing.get_origin(annotation) is dict:
        return "table"
    if arguments:
        return " or ".join(_type(a) for a in arguments)
    names = {
        "str": "text",
        "int": "number",
        "float": "number",
        "bool": "true, false",
        "Path": "path",
        "SecretStr": "secret",
    }
    name: str = annotation.__name__
    return names.get(name, name)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write(folder: Path) -> Path:
    """Write settings.md into `folder`; returns its path."""
    target = folder / "settings.md"
    target.write_text(settings_markdown(), encoding="utf-8")
    return target
