"""The demo's screen keeps to its terminal, and to what matters on it."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from polywire.supervision.demo import DemoState, draw
from polywire.supervision.views import LiveView, PlainView
from tests.consumers.make import alert, story

MARKED = "கொரியாவின் பீரங்கிகளை வாங்க மலேசியா ஒப்பந்தம் செய்தது " * 6


def screen(state: DemoState, rows: int, columns: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=columns, height=rows, force_terminal=False)
    console.print(draw(state, [("web", True)], 3.0, "notice\nlatest", rows=rows, columns=columns))
    return out.getvalue().rstrip("\n").split("\n")


@pytest.fixture
def state() -> DemoState:
    full = DemoState(founding_story="story-0")
    for n in range(40):
        full.story(story(f"story-{n}", title=f"Title {n}"))
        full.alert(alert(story_id=f"story-{n}", id=f"alert-{n}", title=f"Alert {n}"))
    return full


@pytest.mark.parametrize(("rows", "columns"), [(24, 70), (24, 80), (30, 100), (45, 160), (60, 200)])
def test_it_fits_and_the_founding_story_stays(state: DemoState, rows: int, columns: int) -> None:
    lines = screen(state, rows, columns)
    assert len(lines) <= rows
    assert any("alerts · 40" in line for line in lines)
    assert any("stories · " in line for line in lines)
    assert len([line for line in lines if line.startswith("╰")]) >= 2
    text = "\n".join(lines)
    assert text.index("Title 0") < text.index("Title 39")
    assert text.index("Alert 0") < text.index("Alert 39")


def test_it_says_how_many_rows_it_shows(state: DemoState) -> None:
    text = "\n".join(screen(state, 45, 160))
    assert f"40 stories, {text.count('Title ')} of them here" in text
    assert f"one per story, {text.count('Alert ')} of them here" in text
    one = DemoState()
    one.story(story("story-0", title="Title 0"))
    assert "of them here" not in "\n".join(screen(one, 45, 160))


def test_a_terminal_that_gives_marks_a_cell_wraps_nothing() -> None:
    state = DemoState()
    state.story(story("s", title=MARKED))
    for line in screen(state, 30, 120):
        assert sum(max(1, cell_len(character)) for character in line.rstrip()) <= 120


def test_the_screen_is_drawn_over_itself_without_padding(state: DemoState) -> None:
    out = io.StringIO()
    view = LiveView(Console(file=out, width=100, height=24, force_terminal=True, color_system=None))
    state.story(story("s", title=MARKED))
    view.show(state, [], 1.0, "notice")
    view.show(state, [], 2.0, "notice")
    view.close()
    drawn = out.getvalue().rsplit("\x1b[H", 1)[1].split("\x1b[J")[0].split("\n")
    assert len(drawn) <= 24
    assert all(line.endswith("\x1b[0m\x1b[K") for line in drawn)
    plain = [line.removesuffix("\x1b[0m\x1b[K") for line in drawn]
    assert all(line == line.rstrip() for line in plain)
    assert all(sum(max(1, cell_len(c)) for c in line) <= 100 for line in plain)


@pytest.mark.parametrize("view", [LiveView, PlainView])
def test_what_a_stage_died_of_is_shown_as_it_is(view: type[LiveView] | type[PlainView]) -> None:
    out = io.StringIO()
    view(Console(file=out, width=200)).tell(1.0, "cluster", "died of [/tmp/x] in [red]")
    assert "died of [/tmp/x] in [red]" in out.getvalue()
