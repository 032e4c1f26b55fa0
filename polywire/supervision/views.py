"""The demo's two ways of showing: a live screen on a terminal, lines anywhere else."""

from __future__ import annotations

from typing import Protocol

from rich.console import Console
from rich.live import Live

from polywire.supervision.demo import DemoState, best_deal, deal_line, draw
from polywire.supervision.process import StageProcess


class View(Protocol):
    """Shows a demo as it goes."""

    def tell(self, seconds: float, who: str, what: str) -> None:
        """Something happened to a stage or an engine."""

    def show(self, state: DemoState, processes: list[StageProcess], seconds: float, notice: str) -> None:
        """What has come out so far."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class LiveView:
    """A screen that is drawn anew."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._latest = ""

    def tell(self, seconds: float, who: str, what: str) -> None:
        """Before the screen is there: a line. After: the bottom of the screen."""
        if self._live is None:
            self._console.print(f"[dim]{seconds:6.1f} s[/]  [cyan]{who:9}[/] {what}")
        else:
            self._latest = f"{who}: {what}"

    def show(self, state: DemoState, processes: list[StageProcess], seconds: float, notice: str) -> None:
        """Draw the screen."""
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        stages = [(p.name, p.pid is not None) for p in processes]
        self._live.update(draw(state, stages, seconds, f"{notice}\n{self._latest}"), refresh=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        if self._live is not None:
            self._live.stop()


class PlainView:
    """A line for each new thing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stories: dict[str, int] = {}
        self._alerts: dict[str, int] = {}

    def tell(self, seconds: float, who: str, what: str) -> None:
        """A line."""
        self._console.print(f"{seconds:6.1f} s  [cyan]{who:9}[/] {what}", soft_wrap=True)

    def show(self, state: DemoState, processes: list[StageProcess], seconds: float, notice: str) -> None:  # noqa: ARG002
        """Lines for the stories and alerts that are new or have grown."""
        for story in state.stories.values():
            if self._stories.get(story.id) == story.article_count:
                continue
            self._stories[story.id] = story.article_count
            deal = best_deal(story.deals)
            what = f"[{' '.join(story.languages)}] {story.article_count} articles"
            self.tell(
                seconds, "story", _escaped(f"{what}{' · ' + deal_line(deal, story) if deal else ''} · {story.title}")
            )
        for alert in state.alerts.values():
            if self._alerts.get(alert.id) == alert.revision:
                continue
            self._alerts[alert.id] = alert.revision
            kind = "[bold red]ALERT[/]" if alert.kind == "new" else "update"
            self._console.print(
                f"{seconds:6.1f} s  {kind:9} " + _escaped(f"[{' '.join(alert.languages)}] {alert.title}"),
                soft_wrap=True,
            )

    def close(self) -> None:
        """Nothing to put right."""


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
