"""Templates. Everything that is put into one is escaped; nothing is ever marked as safe."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from consumers.web import views
from consumers.web.live import Event
from schemas.alerts import Alert


@cache
def environment() -> Environment:
    """The templates, with the views' functions to call in them."""
    found = Environment(
        loader=PackageLoader("consumers.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        views.language_name, views.own_language_name, views.safe_url, views.day, views.minute, views.span, views.count,
        views.deal_view, views.best_deal, views.other_titles, views.entity_groups, views.by_language, views.body,
        views.marked, views.spellings, asset,
    ):  # fmt: skip
        found.globals[function.__name__] = function
    return found


def render(template: str, **values: Any) -> str:
    """A page."""
    return environment().get_template(template).render(**values)


def render_event(event: Event) -> str:
    """What a live page puts in its list: the same as the list has."""
    parts = environment().get_template("parts.html").module
    if isinstance(event.message, Alert):
        return str(parts.alert_item(event.message))  # type: ignore[attr-defined]
    return str(parts.story_card(event.message))  # type: ignore[attr-defined]


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for ever."""
    content = resources.files("consumers.web").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
