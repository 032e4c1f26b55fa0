"""What the demo shows: articles becoming stories, and the alert arriving. State is apart from drawing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.box import Box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from polywire.supervision.following import Follower
from runtime.bus.clients import make_consumer
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.codec import decode
from schemas.stories import Story, StoryDeal
from schemas.topics import ALERTS, STORIES

FOUNDING_FILES = ("000_789ba6ecdb73c829.txt", "001_5ef2c9304808d7f0.txt")
"""The two founding documents that tell one story: a Malay and an Arabic translation."""
_BEGINNING = 40
_LIGHT_ROWS = 3
"""Of the panel with the stages."""
_OTHER_COLUMNS = 72
"""Cells of a row that are not its title's."""
_LEAST_ROOM = 12
_PAUSE = 0.2
"""Seconds between two looks at the bus."""
_RULES = Box("╭── \n│   \n├── \n│   \n├── \n├── \n│   \n╰── \n")
"""No border on the right: a terminal that counts cells in its own way would push it to the next line."""

T = TypeVar("T")
_STORIES_SHOWN = 14
_ALERTS_SHOWN = 6


@dataclass
class DemoState:
    """What has come out of the pipeline so far."""

    stories: OrderedDict[str, Story] = field(default_factory=OrderedDict)
    alerts: OrderedDict[str, Alert] = field(default_factory=OrderedDict)
    new_alerts: dict[str, int] = field(default_factory=dict)
    """How often each alert came as new: once, or something is wrong."""

    founding_story: str | None = None
    """The story of the founding documents, once it has its alert: what is shown first."""

    def story(self, story: Story) -> None:
        """A new snapshot of a story."""
        if story.merged_into or not story.article_count:
            self.stories.pop(story.id, None)
            return
        self.stories[story.id] = story
        self.stories.move_to_end(story.id)

    def alert(self, alert: Alert) -> None:
        """A new alert or an update of one."""
        if alert.kind == "new":
            self.new_alerts[alert.id] = self.new_alerts.get(alert.id, 0) + 1
        self.alerts[alert.id] = alert
        self.alerts.move_to_end(alert.id)

    def founding_alert(self, beginnings: list[str]) -> Alert | None:
        """The alert for the story of the founding documents once it names both languages, else None.

        `beginnings`: how their texts begin; they have no titles, so their headlines in the story begin so too.
        """
        for alert in self.alerts.values():
            story = self.stories.get(alert.story_id)
            if story is None:
                continue
            variants = [next((a for a in story.articles if a.title.startswith(b)), None) for b in beginnings]
            if all(v is not None and v.language in alert.languages for v in variants):
                self.founding_story = alert.story_id
                return alert
        return None

    @property
    def article_count(self) -> int:
        """Articles in all stories."""
        return sum(story.article_count for story in self.stories.values())


def founding_beginnings(seeds: Path) -> list[str]:
    """How the texts of the two founding documents begin, white space folded."""
    texts = (" ".join((seeds / name).read_text(encoding="utf-8").split()) for name in FOUNDING_FILES)
    return [text[:_BEGINNING] for text in texts]


class BusReader(Follower):
    """Reads stories and alerts from the bus into a DemoState, as any consumer could."""

    def __init__(self, settings: Settings, state: DemoState) -> None:
        self._state = state
        self.lock = threading.Lock()
        super().__init__("demo-reader", make_consumer(settings, None, (STORIES, ALERTS)), self._take_in, _PAUSE)

    def _take_in(self, topic: str, value: bytes) -> None:
        with self.lock:
            if topic == STORIES.name:
                self._state.story(decode(Story, value))
            else:
                self._state.alert(decode(Alert, value))


def draw(
    state: DemoState, stages: list[tuple[str, bool]], seconds: float, notice: str, *, rows: int, columns: int
) -> RenderableType:
    """The whole screen, in so many rows: alerts take theirs first, then stories, then the lights of the stages.

    `stages`: name, running. `rows`, `columns`: of the terminal.
    """
    lights = Text("  ").join(
        Text.assemble(("● ", "green" if alive else "yellow"), (name, "bold")) for name, alive in stages
    )
    # Two lines for the notice, and three of each panel for its border and its heading.
    alerts_shown = max(1, min(_ALERTS_SHOWN, (rows - 8) // 2))
    alerts = _pinned_first(list(reversed(state.alerts.values())), lambda a: a.story_id == state.founding_story)[
        :alerts_shown
    ]
    left = rows - 2 - (len(alerts) + 2 if alerts else 0)
    lights_shown = left >= 8 + _LIGHT_ROWS
    stories_shown = max(0, min(_STORIES_SHOWN, left - 3 - (_LIGHT_ROWS if lights_shown else 0)))
    stories = _pinned_first(list(reversed(state.stories.values())), lambda s: s.id == state.founding_story)[
        :stories_shown
    ]
    table = Table(box=None, expand=True, padding=(0, 1), header_style="dim")
    table.add_column("languages", no_wrap=True, min_width=18, max_width=26)
    table.add_column("articles", justify="right", width=8)
    table.add_column("arms deal", width=24, no_wrap=True)
    table.add_column("story", ratio=1, no_wrap=True, overflow="ellipsis")
    for story in stories:
        deal = best_deal(story.deals)
        table.add_row(
            Text(" ".join(story.languages), style="cyan"),
            str(story.article_count),
            Text(deal_line(deal, story), style="bold red") if deal else Text("·", style="dim"),
            _one_line(story.title, columns - _OTHER_COLUMNS),
        )
    waiting = Text("waiting for the first article …", style="dim")
    parts: list[RenderableType] = []
    if lights_shown:
        parts.append(_panel(lights, f"polywire demo · {seconds:.0f} s", "blue"))
    if stories_shown:
        told = f"stories · {state.article_count} articles in {len(state.stories)} stories"
        told += _shown(len(stories), len(state.stories))
        parts.append(_panel(table if state.stories else waiting, told, "blue"))
    if alerts:
        lines = Table(box=None, expand=True, show_header=False, padding=(0, 1))
        lines.add_column(width=2)
        lines.add_column(no_wrap=True, min_width=18, max_width=26)
        lines.add_column(width=24, no_wrap=True)
        lines.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for alert in alerts:
            alert_story = state.stories.get(alert.story_id)
            deal = best_deal(alert.deals)
            lines.add_row(
                Text("▲", style="red"),
                Text(" ".join(alert.languages), style="cyan"),
                Text(deal_line(deal, alert_story) if deal else "arms deal", style="bold red"),
                _one_line(alert.title, columns - _OTHER_COLUMNS),
            )
        shown = _shown(len(alerts), len(state.alerts))
        parts.append(_panel(lines, f"alerts · {len(state.alerts)}, one per story{shown}", "red"))
    parts.append(Text(notice, style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _panel(inside: RenderableType, title: str, style: str) -> Panel:
    return Panel(inside, box=_RULES, title=title, title_align="left", border_style=style, padding=(0, 1))


def _shown(rows: int, found: int) -> str:
    """What a heading says where not everything fits: the whole is on the web page."""
    return f", {rows} of them here" if rows < found else ""


def _pinned_first(found: list[T], is_pinned: Callable[[T], bool]) -> list[T]:
    return sorted(found, key=lambda each: not is_pinned(each))


def _one_line(title: str, room: int) -> Text:
    """Cut to cells as if each mark took one: terminals give the marks of Indic scripts a cell, Unicode gives none."""
    used = 0
    kept = ""
    for character in " ".join(title.split()):
        used += max(1, cell_len(character))
        if used > max(room, _LEAST_ROOM):
            kept = kept[:-1] + "…"
            break
        kept += character
    return Text(kept, no_wrap=True, overflow="ellipsis")


def best_deal(deals: list[StoryDeal]) -> StoryDeal | None:
    """The deal to show of a story: one with both parties named, told as a fact, in most of the variants; then the
    surest.
    """

    def rank(deal: StoryDeal) -> tuple[bool, bool, int, float]:
        told_by = len({evidence.article_id for evidence in deal.evidence})
        named = bool(deal.supplier and deal.recipient)
        return named, deal.status not in {"alleged", "denied"}, told_by, deal.score

    return max(deals, key=rank, default=None)


def deal_line(deal: StoryDeal, story: Story | None) -> str:
    """`UA → KZ · sale, planned`: short names for the parties where the story knows them."""
    names = {e.id: e.country or e.name for e in story.entities} if story else {}

    def party(ids: list[str]) -> str:
        return names.get(ids[0], ids[0]) if ids else "?"

    status = "" if deal.status == "reported" else f", {deal.status}"
    return f"{party(deal.supplier)} → {party(deal.recipient)} · {deal.act}{status}"
