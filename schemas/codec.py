"""Bytes to messages and back. The only place that knows the wire format (JSON, UTF-8)."""

from __future__ import annotations

from typing import TypeVar

import orjson
from pydantic import ValidationError

from schemas.base import Message

M = TypeVar("M", bound=Message)

_SHOWN = 80
"""Characters of a value or a field's name that a reason repeats."""


MAX_VALUE = 17 * 1024 * 1024
"""Bytes of a value that is read; no topic takes more, unless it was compressed by who put it there."""


class InvalidMessage(ValueError):
    """Bytes that are not the message they should be. `reason` is one line a person can act on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode(message: Message) -> bytes:
    """A message as its topic carries it."""
    return message.model_dump_json().encode("utf-8")


def decode(model: type[M], value: bytes | None) -> M:
    """The message in `value`.

    Raises:
        InvalidMessage: longer than `MAX_VALUE`, not JSON, no or an unknown schema version, a missing field, a wrong
            type. Nothing else: whoever reads a topic can go on after any bytes.
    """
    if value is None or value == b"":
        raise InvalidMessage("empty value")
    if len(value) > MAX_VALUE:
        raise InvalidMessage(f"{len(value)} bytes; a message has at most {MAX_VALUE}")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidMessage(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidMessage(f"not a JSON object but {type(fields).__name__}")
    version = fields.get("schema_version")
    if version is None:
        raise InvalidMessage("schema_version is missing")
    if isinstance(version, bool) or not isinstance(version, int | float) or version not in model.accepted_versions:
        known = ", ".join(str(v) for v in sorted(model.accepted_versions))
        shown = _short(repr(version))
        raise InvalidMessage(f"schema_version {shown} is not understood by {model.__name__} (known: {known})")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidMessage(explain(error)) from error
    except Exception as error:
        # A check of ours that tripped over the value instead of refusing it. No other answer would let a reader go on.
        raise InvalidMessage(f"cannot be checked: {type(error).__name__}: {_short(str(error))}") from error


def explain(error: ValidationError) -> str:
    """A validation error in one line: which field, and what is wrong with it."""
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        where = ".".join(_short(str(part)) for part in item["loc"])
        lines.append(f"{where}: {item['msg']}" if where else item["msg"])
    shown = "; ".join(lines[:4])
    return shown + (f"; and {len(lines) - 4} more" if len(lines) > 4 else "")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
