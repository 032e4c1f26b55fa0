"""A query as Elasticsearch takes it: the same words in the same fields, built from the same tree."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from consumers.query.fields import EXACT_CASE, FIELDS
from consumers.query.match import keyword_forms
from consumers.query.nodes import All, And, Bound, Exists, Flag, Fuzzy, Node, Not, Or, Phrase, Range, Term, Wildcard
from consumers.query.words import grams, is_spaceless

Dsl = dict[str, Any]


def to_dsl(node: Node, *, stemmed: bool = False) -> Dsl:
    """The query in Elasticsearch's own form.

    `stemmed`: words are also looked for as the analyser of the document's language makes them (`buys` finds
    `buying`). Better for a person who searches; a subscription matches only what is written.
    """
    match node:
        case All():
            return {"match_all": {}}
        case And(parts):
            return {
                "bool": {
                    "must": [to_dsl(p, stemmed=stemmed) for p in parts if not isinstance(p, Not)]
                    or [{"match_all": {}}],
                    "must_not": [to_dsl(p.part, stemmed=stemmed) for p in parts if isinstance(p, Not)],
                }
            }
        case Or(parts):
            return {"bool": {"should": [to_dsl(p, stemmed=stemmed) for p in parts], "minimum_should_match": 1}}
        case Not(part):
            return {"bool": {"must": [{"match_all": {}}], "must_not": [to_dsl(part, stemmed=stemmed)]}}
        case Exists(field):
            return {"exists": {"field": field}}
        case Flag(field, value):
            is_true = {"term": {field: {"value": True}}}
            return is_true if value else {"bool": {"must": [{"match_all": {}}], "must_not": [is_true]}}
        case Phrase():
            return _phrase(node, stemmed)
        case Term(field, value):
            forms = list(keyword_forms(field, value))
            return {"terms": {field: forms}} if len(forms) > 1 else {"term": {field: {"value": forms[0]}}}
        case Wildcard(field, pattern):
            return {"wildcard": {field: {"value": pattern if field in EXACT_CASE else pattern.lower()}}}
        case Fuzzy(field, value, edits):
            wanted = value if field in EXACT_CASE else value.lower()
            return {"fuzzy": {field: {"value": wanted, "fuzziness": edits, "max_expansions": 200}}}
        case Range():
            return {"range": {node.field: _bounds(node)}}


def _phrase(node: Phrase, stemmed: bool) -> Dsl:
    if is_spaceless(node.text):
        return {"match_phrase": {f"{node.field}_grams": {"query": grams(node.text)}}}
    plain = {"match_phrase": {node.field: {"query": node.text, "slop": node.slop}}}
    if not stemmed:
        return plain
    in_language = {
        "multi_match": {
            "query": node.text,
            "type": "phrase",
            "slop": node.slop,
            "fields": [f"{node.field}_i18n.*"],
            "boost": 0.5,
        }
    }
    return {"bool": {"should": [plain, in_language], "minimum_should_match": 1}}


def _bounds(node: Range) -> Dsl:
    bounds: Dsl = {}
    if node.start is not None:
        bounds["gte" if node.from_included else "gt"] = _value(node.field, node.start)
    if node.end is not None:
        bounds["lte" if node.to_included else "lt"] = _value(node.field, node.end)
    return bounds


def _value(field: str, bound: Bound) -> str | float:
    if isinstance(bound, datetime):
        return bound.isoformat(timespec="milliseconds")
    if isinstance(bound, str) and FIELDS[field] == "keyword" and field not in EXACT_CASE:
        return bound.lower()
    return bound
