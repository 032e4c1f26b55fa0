"""What all messages share: a schema version, tolerance for fields of the future, no tolerance for wrong types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

SCHEMA_VERSION = 1


def _parse_time(value: object) -> object:
    """Refuse bare numbers: seconds and milliseconds are told apart by nobody, and a wrong guess is silent."""
    if isinstance(value, bool | int | float):
        raise ValueError("a time must be ISO 8601 text, for example 2026-03-01T12:00:00Z")
    return value


def _to_utc(value: datetime) -> datetime:
    """Times without a zone are taken as UTC, so that two producers never disagree by a silent offset."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


UtcTime = Annotated[datetime, BeforeValidator(_parse_time), AfterValidator(_to_utc)]

Score = Annotated[float, Field(ge=0.0, le=1.0)]
"""A calibrated probability, 0 to 1."""


class Part(BaseModel):
    """A value inside a message: unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(extra="ignore", validate_assignment=False)


class Message(Part):
    """A value of a topic. `schema_version` is required on the wire: a message without one is a dead letter."""

    accepted_versions: ClassVar[frozenset[int]] = frozenset({SCHEMA_VERSION})

    schema_version: int = SCHEMA_VERSION
