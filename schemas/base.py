"""What all messages share: a schema version, tolerance for fields of the future, no tolerance for wrong types, and the
bounds within which a value can be kept by everything that keeps it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

SCHEMA_VERSION = 1
_ISO_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")


def _parse_time(value: object) -> object:
    """Refuse bare numbers: seconds and milliseconds are told apart by nobody, and a wrong guess is silent."""
    number = isinstance(value, bool | int | float) or (isinstance(value, str) and not _ISO_DATE.match(value))
    if number:
        raise ValueError("a time must be ISO 8601 text, for example 2026-03-01T12:00:00Z")
    return value


def _to_utc(value: datetime) -> datetime:
    """Times without a zone are taken as UTC, so that two producers never disagree by a silent offset."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time must be between the years 1 and 9999 in UTC") from error


def without_user(url: str) -> str:
    """An address without the user name and password that may be in it, which are nobody's to read."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    return scheme + separator + rest[authority.rfind("@") + 1 :]


def _without_user(value: object) -> object:
    return without_user(value) if isinstance(value, str) else value


UtcTime = Annotated[datetime, BeforeValidator(_parse_time), AfterValidator(_to_utc)]

PageUrl = Annotated[str, BeforeValidator(_without_user)]
"""Where an article can be read. It is shown to everybody, so that no password stays in it."""

Score = Annotated[float, Field(ge=0.0, le=1.0)]
"""A calibrated probability, 0 to 1."""

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
"""Of a story, an alert, a correction: visible ASCII. Elasticsearch takes no longer or empty one, and refuses everything
that is sent together with it."""

Language = Annotated[str, Field(min_length=1, max_length=35)]
"""A language code; 35 characters is the longest that BCP 47 foresees."""

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""A number of things: what the index keeps as an integer."""

Version = Annotated[int, Field(ge=0, le=2**53)]
"""Grows with every change; so much is exact in every JSON reader, and far more milliseconds than there will be."""


class Part(BaseModel):
    """A value inside a message: unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(extra="ignore", validate_assignment=False, allow_inf_nan=False)


class Message(Part):
    """A value of a topic. `schema_version` is required on the wire: a message without one is a dead letter."""

    accepted_versions: ClassVar[frozenset[int]] = frozenset({SCHEMA_VERSION})

    schema_version: int = SCHEMA_VERSION
