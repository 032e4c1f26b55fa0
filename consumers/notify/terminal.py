"""Delivery to the terminal: a new alert in three lines, an update in one."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from schemas.alerts import Alert


def show(console: Console, alert: Alert) -> None:
    """Print an alert. What comes from articles is escaped: it is text, not markup."""
    languages, title = escape(", ".join(alert.languages)), escape(_clean(alert.title))
    count = f"{alert.article_count} article{'s' if alert.article_count != 1 else ''}"
    if alert.kind == "update":
        latest = f"now {alert.language}: {_clean(alert.article_title)}"
        lines = [f"[yellow]update[/] {title} [dim]·[/] {count} [dim]in[/] {languages} [dim]· {escape(latest)}[/]"]
    else:
        facts = [f"{alert.at:%Y-%m-%d %H:%M} UTC", languages, escape(", ".join(alert.sources[:4])), count]
        facts += [f"{deal.act} ({deal.status}, {deal.score:.2f})" for deal in alert.deals[:3]]
        lines = [
            f"[bold red]ALERT[/]  [bold]{title}[/]  [dim]{escape(_clean(alert.subscription_name))}[/]",
            "       " + " · ".join(facts),
        ]
        if alert.article_url:
            lines.append(f"       [dim]{escape(_clean(alert.article_url))}[/]")
    for line in lines:
        console.print(Text.from_markup(line), soft_wrap=True)


def _clean(text: str) -> str:
    """On one line, and without control characters: a headline must not command the terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
