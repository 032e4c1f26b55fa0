"""Dates and numbers as queries write them."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime, timedelta

_MATH = re.compile(r"^now((?:[+-]\d{1,6}[smhdwMy])*)(?:/([smhdwMy]))?$")
_STEP = re.compile(r"([+-]\d+)([smhdwMy])")
_DAYS = {"d": 1.0, "w": 7.0, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400}


def parse_date(value: str, now: datetime) -> tuple[datetime, datetime]:
    """The first moment of what `value` names and the first one after it: `2026-03` is the whole of March.

    Takes ISO 8601, from the year alone to fractions of a second, and `now`, `now-7d`, `now/d` (units s m h d w M y).

    Raises:
        ValueError: it is none of these.
    """
    found = _MATH.match(value)
    if found:
        return _relative(found, now)
    try:
        return _absolute(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is no date; write 2026-03-01, 2026-03-01T12:00:00Z or now-7d") from None


def _relative(found: re.Match[str], now: datetime) -> tuple[datetime, datetime]:
    moment = now
    try:
        for amount, unit in _STEP.findall(found.group(1)):
            moment = (
                _months(moment, int(amount) * (12 if unit == "y" else 1))
                if unit in "My"
                else (moment + timedelta(days=int(amount) * _DAYS[unit]))
            )
    except OverflowError:
        raise ValueError(f"{found.group()!r} is too far away") from None
    unit = found.group(2)
    if not unit:
        return moment, moment + timedelta(milliseconds=1)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if unit in "My":
        start = hour.replace(day=1, hour=0)
        start = start.replace(month=1) if unit == "y" else start
        return start, _months(start, 12 if unit == "y" else 1)
    start = {
        "s": moment.replace(microsecond=0),
        "m": moment.replace(second=0, microsecond=0),
        "h": hour,
        "d": hour.replace(hour=0),
        "w": hour.replace(hour=0) - timedelta(days=moment.weekday()),
    }[unit]
    return start, start + timedelta(days=_DAYS[unit])


def _absolute(value: str) -> tuple[datetime, datetime]:
    if re.fullmatch(r"\d{4}", value):
        start = datetime(int(value), 1, 1, tzinfo=UTC)
        return start, _months(start, 12)
    if re.fullmatch(r"\d{4}-\d{2}", value):
        start = datetime(int(value[:4]), int(value[5:]), 1, tzinfo=UTC)
        return start, _months(start, 1)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        start = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return start, start + timedelta(days=1)
    if not re.match(r"\d{4}-\d{2}-\d{2}T\d{2}", value):
        raise ValueError
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    clock = re.split(r"[Zz+]|-(?=\d{2}:?\d{2}$)", value.split("T", 1)[1])[0]
    if "." in clock:
        return moment, moment + timedelta(milliseconds=1)
    step = {0: timedelta(hours=1), 1: timedelta(minutes=1)}.get(clock.count(":"), timedelta(seconds=1))
    return moment, moment + step


def _months(moment: datetime, count: int) -> datetime:
    total = moment.year * 12 + moment.month - 1 + count
    year, month = divmod(total, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def parse_number(value: str) -> float:
    """A finite number.

    Raises:
        ValueError: it is none.
    """
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no number")
    return number
