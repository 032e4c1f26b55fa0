"""Entities: persons, places, organisations and weapons named in a text, under ids that hold in every language. Pure.

`lookup` answers what an id is and which ids go by a name.
"""

from streams.entities.context import without_passing_words
from streams.entities.recognizer import EntityRecognizer
from streams.entities.unify import unify_persons

__all__ = ["EntityRecognizer", "unify_persons", "without_passing_words"]
