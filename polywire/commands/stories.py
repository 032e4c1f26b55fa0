"""`polywire stories`: list, show, explain, merge, split and recall stories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from polywire.commands.ids import whole_id
from polywire.commands.reading import AsJson, bus, clean, console, index, listing, moment, print_json, some
from runtime.errors import UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from consumers.index.reader import IndexReader
    from schemas.stories import Story
    from streams.stories import Explanation

app = typer.Typer(
    add_completion=False, help="List, show, explain, merge, split and recall stories.", no_args_is_help=True
)

_Reason = Annotated[str, typer.Option(help="Why; kept with the correction.")]
_By = Annotated[str | None, typer.Option(help="Who; the name you are logged in under where it is left out.")]


@app.command("list")
def list_stories(
    size: Annotated[int, typer.Option(min=1, max=1_000, help="Stories at most.")] = 20,
    deals: Annotated[bool, typer.Option("--deals", help="Only those with an arms deal.")] = False,
    lang: Annotated[str | None, typer.Option(help="Only those told in this language.")] = None,
    as_json: AsJson = False,
) -> None:
    """Stories, the newest first."""
    settings = Settings()
    with index(settings) as reader:
        found = reader.stories(limit=size, deals_only=deals, language=lang)
    if as_json:
        print_json([story.model_dump(mode="json") for story in found.stories])
        return
    columns = ("story", "last seen", "title", "languages", "articles", "sources", "")
    rows = [
        (
            story.id, moment(story.last_seen), clean(story.title), some(story.languages),
            str(story.article_count), str(len(story.sources)), "deal" if story.arms_deal else "",
        )
        for story in found.stories
    ]  # fmt: skip
    screen = console()
    screen.print(listing(screen, columns, rows, "title") if rows else "[dim]no stories[/]")


@app.command()
def show(
    story_id: Annotated[str, typer.Argument(help="The story's id, or its beginning.")], as_json: AsJson = False
) -> None:
    """A story with its variants in every language, its entities and deals."""
    settings = Settings()
    with index(settings) as reader:
        story_id = whole_id(reader, "story", story_id)
        story = _story(reader, story_id)
        variants = reader.variants(story_id)
    if as_json:
        articles = [
            {
                "id": v.id, "language": v.language, "source": v.source, "title": v.title, "url": v.url,
                "when": v.when, "duplicate_of": v.duplicate_of, "arms_deal": v.arms_deal,
            }
            for v in variants
        ]  # fmt: skip
        print_json({**story.model_dump(mode="json"), "variants": articles})
        return
    screen = console()
    screen.print(clean(story.title), style="bold")
    screen.print(
        f"{story.id} · {story.article_count} articles · {' '.join(story.languages)} · "
        f"{moment(story.first_seen)} to {moment(story.last_seen)} UTC"
        + (f" · [yellow]went up in {story.merged_into}[/]" if story.merged_into else "")
    )
    told = [
        (
            v.id, moment(v.when), v.language, clean(v.source, 24), clean(v.title or v.text),
            "deal" if v.arms_deal else "", f"repeats {v.duplicate_of}" if v.duplicate_of else "",
        )
        for v in variants
    ]  # fmt: skip
    screen.print(listing(screen, ("article", "when", "lang", "source", "title", "", " "), told, "title"))
    names = {entity.id: entity.name for entity in story.entities}
    for deal in story.deals:
        parties = " → ".join(", ".join(names.get(i, i) for i in ids) or "?" for ids in (deal.supplier, deal.recipient))
        weapons = ", ".join(names.get(i, i) for i in deal.weapons) or "weapons not named"
        screen.print(
            clean(f"{deal.act} ({deal.status}{', disputed' if deal.disputed else ''}) {parties}: {weapons}"),
            style="red",
        )
        for evidence in deal.evidence[:4]:
            screen.print(clean(f"  {evidence.language}  “{evidence.text}”", 200), style="dim")


@app.command()
def explain(
    article_id: Annotated[str, typer.Argument(help="The article's id, or its beginning.")], as_json: AsJson = False
) -> None:
    """Why an article is in its story: the decision on its arrival, and the stories it is near to now."""
    from polywire.commands.recollection import explain_from_memory

    settings = Settings()
    with index(settings) as reader:
        article_id = whole_id(reader, "article", article_id)
        article = reader.article(article_id)
    if article is None:
        raise UserError(f"there is no article {article_id!r} in the index")
    with bus(settings):
        memory = explain_from_memory(settings, article_id)
    reading = article.get("reading", {})
    decision = reading.get("decision", {})
    facts = {
        "article": article_id,
        "title": article.get("title", ""),
        "language": article.get("language"),
        "story": article["story_id"],
        "story_title": article.get("story_title", ""),
        "new_story": decision.get("new_story"),
        "score": decision.get("score"),
        "candidates": decision.get("candidates"),
        "duplicate_of": article.get("duplicate_of"),
        "correction": article.get("correction_id"),
        "entities": [entity["name"] for entity in reading.get("entities", [])],
        "notes": reading.get("notes", []),
        "memory": memory.dump() if memory else None,
    }
    if as_json:
        print_json(facts)
        return
    _print_explanation(facts, memory)


def _print_explanation(facts: dict[str, Any], memory: Explanation | None) -> None:
    screen = console()
    screen.print(clean(f"{facts['title']} [{facts['language']}]"), style="bold")
    screen.print(clean(f"is in story {facts['story']}: {facts['story_title']}"))
    if facts["correction"]:
        screen.print(f"because of the correction {facts['correction']}")
    elif facts["new_story"]:
        screen.print(f"It began this story: {facts['candidates']} others were compared, none was the same.")
    else:
        score = "" if facts["score"] is None else f", {facts['score']:.0%} sure"
        screen.print(f"It joined this story{score}; {facts['candidates']} were compared.")
    if facts["duplicate_of"]:
        screen.print(f"It repeats the text of {facts['duplicate_of']}.")
    if facts["entities"]:
        screen.print(clean("It names " + ", ".join(facts["entities"]), 400))
    if memory is None:
        screen.print("[dim]It is no longer in the clusterer's memory: only the decision is known.[/]")
        return
    if memory.fixed:
        screen.print("An operator put it there: the clusterer leaves it.")
    signals = list(memory.candidates[0].contributions) if memory.candidates else []
    table = Table("story", "articles", "languages", "alike", "closeness", *signals, box=None)
    for candidate in memory.candidates[:10]:
        table.add_row(
            ("* " if candidate.story_id == memory.story_id else "  ") + candidate.story_id,
            str(candidate.articles),
            " ".join(candidate.languages),
            f"{candidate.probability:.0%}",
            f"{candidate.closeness:+.2f}",
            *(f"{candidate.contributions.get(name, 0.0):+.2f}" for name in signals),
        )
    screen.print(f"The nearest stories now, and what speaks for each (it joins from {memory.threshold:+.2f}):")
    screen.print(table)


@app.command()
def merge(
    story_id: Annotated[str, typer.Argument(help="The story that stays.")],
    other_story_id: Annotated[str, typer.Argument(help="The story that goes up in it.")],
    reason: _Reason,
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """Two stories are one. Final: the clusterer does not take it back."""
    from polywire.commands.corrections import correction, may_be_forgotten, recalls, send

    settings = Settings()
    corrections = []
    with index(settings) as reader:
        story_id, other_story_id = (whole_id(reader, "story", each) for each in (story_id, other_story_id))
        if story_id == other_story_id:
            raise UserError("a story cannot go up in itself")
        for id_ in (story_id, other_story_id):
            story = _story(reader, id_)
            if story.merged_into:
                raise UserError(f"{id_} went up in {story.merged_into} already")
            if may_be_forgotten(story):
                corrections += recalls(reader, id_, reason, by)
    merging = correction("merge", story_id, other_story_id, reason, by)
    send(settings, [*corrections, merging])
    if as_json:
        print_json(merging.model_dump(mode="json"))
    else:
        print(f"{merging.id}: {other_story_id} goes up in {story_id}")


@app.command()
def split(
    story_id: Annotated[str, typer.Argument(help="The story.")],
    article_ids: Annotated[list[str], typer.Argument(help="The articles that are another story.")],
    reason: _Reason,
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """Some articles of a story are another. Final: the clusterer does not take it back."""
    from polywire.commands.corrections import correction, may_be_forgotten, recalls, send
    from schemas.ids import story_id as id_of_story

    settings = Settings()
    with index(settings) as reader:
        story_id = whole_id(reader, "story", story_id)
        leaving = list(dict.fromkeys(whole_id(reader, "article", each) for each in article_ids))
        story = _story(reader, story_id)
        if story.merged_into:
            raise UserError(f"{story_id} went up in {story.merged_into} already")
        for article_id in leaving:
            article = reader.article(article_id)
            if article is None or article["story_id"] != story_id:
                raise UserError(f"article {article_id} is not in story {story_id}")
        if len(leaving) >= story.article_count:
            raise UserError("that would be all of its articles: nothing is left to split from")
        back = recalls(reader, story_id, reason, by) if may_be_forgotten(story) else []
        free = [name for name in map(id_of_story, leaving) if reader.story(name) is None]
    # Named after its first article, unless that one has given its name to a story already.
    other = free[0] if free else id_of_story("/".join([story_id, *leaving]))
    splitting = correction("split", story_id, other, reason, by, article_ids=leaving)
    send(settings, [*back, splitting])
    if as_json:
        print_json(splitting.model_dump(mode="json"))
    else:
        print(f"{splitting.id}: {len(leaving)} articles of {story_id} become {other}")


@app.command()
def recall(
    story_id: Annotated[str, typer.Argument(help="The story, or the beginning of its id.")],
    reason: _Reason = "asked for",
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """Bring a story back that was silent for so long that the clusterer forgot it: new articles can join it again.

    `merge` and `split` do so by themselves.
    """
    from polywire.commands.corrections import recalls, send

    settings = Settings()
    with index(settings) as reader:
        story_id = whole_id(reader, "story", story_id)
        story = _story(reader, story_id)
        if story.merged_into:
            raise UserError(f"{story_id} went up in {story.merged_into}: recall that one")
        corrections = recalls(reader, story_id, reason, by)
    send(settings, corrections)
    count = sum(len(each.articles) for each in corrections)
    if as_json:
        print_json({"story": story_id, "articles": count})
    else:
        print(f"{story_id}: the clusterer has been told of its {count} newest articles")


def _story(reader: IndexReader, story_id: str) -> Story:
    story = reader.story(story_id)
    if story is None:
        raise UserError(f"there is no story {story_id!r} in the index")
    return story
