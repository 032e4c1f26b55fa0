"""The demo's two ways of showing: a live screen on a terminal, lines anywhere else."""

from __future__ import annotations

import re
from typing import Protocol

from rich.console import Console
from rich.markup import escape

from polywire.supervision.demo import DemoState, best_deal, deal_line, draw
from polywire.supervision.process import StageProcess

_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_PADDING = re.compile(r"(?: |\x1b\[[0-9;]*m)+$")


class View(Protocol):
    """Shows a demo as it goes."""

    def tell(self, seconds: float, who: str, what: str) -> None:
        """Something happened to a stage or an engine."""

    def show(self, state: DemoState, processes: list[StageProcess], seconds: float, notice: str) -> None:
        """What has come out so far."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class LiveView:
    """A screen of its own that is drawn anew, line by line, so that nothing stays of what was there before."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_up = False
        self._latest = ""
        self._picture = ""

    def tell(self, seconds: float, who: str, what: str) -> None:
        """Before the screen is there: a line. After: the bottom of the screen."""
        if self._is_up:
            self._latest = f"{who}: {what}"
        else:
            self._console.print(f"[dim]{seconds:6.1f} s[/]  [cyan]{who:9}[/] {escape(what)}")

    def show(self, state: DemoState, processes: list[StageProcess], seconds: float, notice: str) -> None:
        """Draw the screen."""
        if not self._is_up:
            self._console.set_alt_screen(True)
            self._console.show_cursor(False)
            self._is_up = True
        stages = [(p.name, p.pid is not None) for p in processes]
        rows, columns = self._console.size.height, self._console.size.width
        with self._console.capture() as drawn:
            self._console.print(draw(state, stages, seconds, f"{notice}\n{self._latest}", rows=rows, columns=columns))
        self._picture = unpadded(drawn.get())
        lines = self._picture.split("\n")[:rows]
        self._console.file.write(_HOME + "\n".join(line + _REST_OF_LINE for line in lines) + _REST_OF_SCREEN)
        self._console.file.flush()

    def close(self) -> None:
        """Leave the last picture standing."""
        if self._is_up:
            self._is_up = False
            self._console.set_alt_screen(False)
            self._console.show_cursor(True)
            # The screen of its own is gone with what was on it.
            self._console.file.write(self._picture + "\n")
            self._console.file.flush()


def unpadded(drawn: str) -> str:
    """Without the spaces that fill up lines: where a terminal counts more cells than we do, they would wrap."""
    return "\n".join(_PADDING.sub("", line) + "\x1b[0m" for line in drawn.rstrip("\n").split("\n"))


class PlainView:
    """A line for each new thing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stories: dict[str, int] = {}
        self._alerts: dict[str, int] = {}

    def tell(self, seconds: float, who: str, what: str) -> None:
        """A line."""
        self._console.print(f"{seconds:6.1f} s  [cyan]{who:9}[/] {escape(what)}", soft_wrap=True)

    def show(self, state: DemoState, processes: list[StageProcess], seconds: float, notice: str) -> None:  # noqa: ARG002
        """Lines for the stories and alerts that are new or have grown."""
        for story in state.stories.values():
            if self._stories.get(story.id) == story.article_count:
                continue
            self._stories[story.id] = story.article_count
            deal = best_deal(story.deals)
            what = f"[{' '.join(story.languages)}] {story.article_count} articles"
            self.tell(seconds, "story", f"{what}{' · ' + deal_line(deal, story) if deal else ''} · {story.title}")
        for alert in state.alerts.values():
            if self._alerts.get(alert.id) == alert.revision:
                continue
            self._alerts[alert.id] = alert.revision
            kind = "[bold red]ALERT[/]" if alert.kind == "new" else "update"
            self._console.print(
                f"{seconds:6.1f} s  {kind:9} " + escape(f"[{' '.join(alert.languages)}] {alert.title}"),
                soft_wrap=True,
            )

    def close(self) -> None:
        """Nothing to put right."""
