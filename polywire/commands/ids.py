"""Ids as people type them: whole, or their beginning where that says which one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from runtime.errors import UserError

if TYPE_CHECKING:
    from consumers.index.reader import IndexReader

ENOUGH = 6
"""Characters from which on a beginning is looked up."""
Kind = Literal["article", "story"]


def whole_id(index: IndexReader, kind: Kind, given: str) -> str:
    """The id of the article or story that is meant by an id or its beginning.

    Raises:
        UserError: there is none, there are several, or it is the id of something else; the message says what to do.
    """
    found = index.ids_beginning(kind, given)
    if given in found:
        return given
    if len(given) >= ENOUGH and len(found) == 1:
        return found[0]
    if len(given) >= ENOUGH and found:
        raise UserError(f"several begin with {given!r}: {', '.join(found)} ... Give more of the id.")
    if kind == "article" and given in index.ids_beginning("story", given):
        raise UserError(f"{given} is a story, not an article. Its articles: polywire stories show {given}")
    if kind == "story" and given in index.ids_beginning("article", given):
        raise UserError(f"{given} is an article, not a story. Its story: polywire stories explain {given}")
    short = f" (a beginning needs {ENOUGH} characters)" if found else ""
    raise UserError(f"there is no {kind} {given!r} in the index{short}")
