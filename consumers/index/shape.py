"""What an index has beside what is wanted of it, and what it takes of a document that is built for another. Pure.

A mapping or a setting that has changed needs a new version of the index (`polywire index migrate`). Until somebody has
made one, what the present one cannot take is left out of its documents, so that no consumer waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Mappings = Mapping[str, Any]
"""As Elasticsearch writes them: {"dynamic": …, "properties": {…}}."""

LEFT_OUT = "left_out"
"""In `reading`, which is stored and not indexed: what the index could not take, for the version that can."""

_WORDS = frozenset({"keyword", "text", "wildcard", "match_only_text"})
_WHOLE = frozenset({"byte", "short", "integer", "long"})
_NUMBERS = _WHOLE | {"half_float", "float", "double"}
_PLAIN = _WORDS | _NUMBERS | {"boolean", "date"}
_OBJECTS = frozenset({"object", "nested"})


@dataclass(frozen=True)
class Difference:
    """One thing in which an index is not as wanted.

    `missing`: it does not know the field. `type`, `analyzer`, `parameter`: it has the field otherwise. `setting`: of
    the whole index. `unfilled`: the field was added later, and the documents from before have not got it. `unused`: it
    has a field that nothing fills any more, which does no harm.
    """

    kind: Literal["missing", "type", "analyzer", "parameter", "setting", "unfilled", "unused"]
    where: str
    """The field's path, or the setting's name."""
    has: str
    wants: str

    def __str__(self) -> str:
        match self.kind:
            case "missing":
                return f"{self.where} is not there"
            case "unfilled":
                return f"{self.where} came later and is missing in older documents"
            case "unused":
                return f"{self.where} is no longer used"
            case _:
                return f"{self.where} has {self.has} and should have {self.wants}"


@dataclass(frozen=True)
class Shape:
    """What one index takes of a document."""

    index: str
    """Its own name, not the alias."""
    leave_out: frozenset[str] = frozenset()
    """The paths of fields that it cannot take."""

    def fitted(self, document: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The document without what the index cannot take, and whether anything had to go.

        What goes stays in the document's `reading`, where it has one, so that a later version gets it back.
        """
        if not any(_holds(document, path.split(".")) for path in self.leave_out):
            return document, False
        found = document
        for path in self.leave_out:
            found = _without(found, path.split("."))
        gone = {name: value for name, value in document.items() if name not in found and name != "reading"}
        if gone and isinstance(found.get("reading"), dict):
            found = {**found, "reading": {**found["reading"], LEFT_OUT: gone}}
        return found, True


def shape(index: str, has: Mappings, wants: Mappings) -> Shape:
    """What the index `index` with the mapping `has` takes of documents made for `wants`."""
    return Shape(index, frozenset(_unfit(_properties(has), _properties(wants), "")))


def differences(
    has: Mappings, wants: Mappings, has_settings: Mapping[str, Any], wants_settings: Mapping[str, Any]
) -> list[Difference]:
    """In what an index is not as wanted: its fields by path, then its settings."""
    found = list(_compare(_properties(has), _properties(wants), ""))
    there = dict(_leaves(has_settings.get("index", {}), ""))
    for name, value in _leaves(wants_settings["index"], ""):
        # Replicas are the operator's: changed at any time, and of no consequence for documents.
        if name != "auto_expand_replicas" and there.get(name) != value:
            found.append(Difference("setting", f"index.{name}", there.get(name, "nothing"), value))
    return found


def additions(has: Mappings, wants: Mappings) -> dict[str, Any]:
    """The properties that can be added to `has`: those that are missing, each inside what holds it."""
    return _missing(_properties(has), _properties(wants))


def paths(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of every field that holds a value."""
    for name, field in properties.items():
        if "properties" in field:
            yield from paths(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name


def known_only(document: Mapping[str, Any], mappings: Mappings) -> dict[str, Any]:
    """The document without the fields that a strict mapping does not know."""

    def keep(value: Any, field: Mapping[str, Any]) -> Any:
        if "properties" not in field:
            return value
        if isinstance(value, list):
            return [keep(each, field) for each in value]
        if not isinstance(value, Mapping):
            return value
        known = field["properties"]
        return {name: keep(inner, known[name]) for name, inner in value.items() if name in known}

    found: dict[str, Any] = keep(document, mappings)
    return found


def _properties(mappings: Mappings) -> Mapping[str, Any]:
    found: Mapping[str, Any] = mappings.get("properties", {})
    return found


def _type(field: Mapping[str, Any]) -> str:
    return str(field.get("type", "object"))


def _compare(has: Mapping[str, Any], wants: Mapping[str, Any], at: str) -> Iterator[Difference]:
    for name, wanted in wants.items():
        where, there = at + name, has.get(name)
        if there is None:
            yield Difference("missing", where, "nothing", _type(wanted))
        elif _type(there) != _type(wanted):
            yield Difference("type", where, _type(there), _type(wanted))
        else:
            yield from _parameters(there, wanted, where)
            yield from _compare(there.get("properties", {}), wanted.get("properties", {}), f"{where}.")
    for name, there in has.items():
        if name not in wants:
            yield Difference("unused", at + name, _type(there), "nothing")


def _parameters(has: Mapping[str, Any], wants: Mapping[str, Any], where: str) -> Iterator[Difference]:
    for name in sorted(has.keys() | wants.keys()):
        there, wanted = has.get(name), wants.get(name)
        if name == "index_options" and isinstance(there, Mapping) and isinstance(wanted, Mapping):
            there = {key: there.get(key) for key in wanted}  # a newer server may state more of them
        if name in {"type", "properties"} or there == wanted:
            continue
        kind: Literal["analyzer", "parameter"] = "analyzer" if name == "analyzer" else "parameter"
        yield Difference(kind, where, f"{name} {_word(there)}", f"{name} {_word(wanted)}")


def _word(value: Any) -> str:
    return "none" if value is None else str(value)


def _leaves(settings: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{at}{name}.")
        else:
            yield at + name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _missing(has: Mapping[str, Any], wants: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, wanted in wants.items():
        there = has.get(name)
        if there is None:
            found[name] = wanted
        elif "properties" in wanted and "properties" in there and _type(there) == _type(wanted):
            inner = _missing(there["properties"], wanted["properties"])
            if inner:
                found[name] = {**({"type": there["type"]} if "type" in there else {}), "properties": inner}
    return found


def _unfit(has: Mapping[str, Any], wants: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, wanted in wants.items():
        there = has.get(name)
        if there is None or not _takes(there, wanted):
            yield at + name
        elif there.get("enabled") is not False:
            yield from _unfit(there.get("properties", {}), wanted.get("properties", {}), f"{at}{name}.")


def _takes(has: Mapping[str, Any], wants: Mapping[str, Any]) -> bool:
    """Whether a field takes every value that is made for another."""
    there, wanted = _type(has), _type(wants)
    if there == "object" and has.get("enabled") is False:
        return True
    if there == wanted:
        return bool(has.get("dims") == wants.get("dims"))
    if there in {"keyword", "wildcard"} and wanted in {"text", "match_only_text"}:
        return "ignore_above" in has  # else a long text is refused, and its document with it
    return (
        (there in _WORDS and wanted in _PLAIN)
        or (there in {"float", "double"} and wanted in _NUMBERS)
        or (there == "long" and wanted in _WHOLE)
        or (there in _OBJECTS and wanted in _OBJECTS and wants.get("enabled") is not False)
    )


def _holds(value: Any, path: list[str]) -> bool:
    if isinstance(value, list):
        return any(_holds(each, path) for each in value)
    if not isinstance(value, Mapping) or path[0] not in value:
        return False
    return len(path) == 1 or _holds(value[path[0]], path[1:])


def _without(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(each, path) for each in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: inner for name, inner in value.items() if name != path[0]}
    return {**value, path[0]: _without(value[path[0]], path[1:])}
