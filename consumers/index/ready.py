"""Making sure that Elasticsearch has what the consumers write to, without ever making them wait for a person.

What is missing is made, and a new field is added. An analyser, a type or a setting of an index that is there cannot be
changed: the consumers go on with the index as it is, leave out what it cannot take, and say once which command makes a
version that can.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from consumers.index.shape import Difference, Shape, additions, differences, paths, shape
from consumers.index.templates import INDICES, analysers, mapping, missing_analysers, settings, template
from consumers.index.versions import Version, current, noted, plain_indices, versions
from runtime.bus.outcomes import Unavailable
from runtime.errors import UserError
from runtime.logs import get_logger

log = get_logger(__name__)

ABANDONED_SECONDS = 60.0
"""After which a migration that has stopped writing and does not go on is taken for dead; it never takes a third."""
_holders: dict[str, float] = {}
"""By the token of a migration: when its stop was seen first."""


def ensure_indices(es: Elasticsearch, prefix: str) -> dict[str, Shape]:
    """Create the templates, and the indices and aliases that are missing; add new fields to those that are there.

    Safe to call from several processes at once, and again at every start.

    Returns:
        What each of `INDICES` takes now.

    Raises:
        elasticsearch.ApiError, elastic_transport.TransportError: Elasticsearch refused or is not there.
    """
    missing = _ensure_templates(es, prefix)
    there = versions(es, prefix)
    for name in [name for name in INDICES if current(there[name]) is None]:
        _make(es, prefix, name, there[name], missing)
        there = versions(es, prefix)
    shapes = {}
    for name in INDICES:
        version = current(there[name])
        assert version is not None
        wanted = mapping(name, missing)
        version = _add_fields(es, version, wanted)
        _let_go(es, version)
        worth_telling = [str(one) for one in compare(version, wanted) if one.kind != "unused"]
        if worth_telling:
            _warn(version.index, tuple(worth_telling))
        shapes[name] = shape(version.index, version.mappings, wanted)
    return shapes


def make_ready(es: Elasticsearch, prefix: str) -> dict[str, Shape]:
    """`ensure_indices` for a consumer.

    Raises:
        Unavailable: whatever Elasticsearch has against it, no message is to blame.
    """
    try:
        shapes = ensure_indices(es, prefix)
    except (ApiError, TransportError, UserError) as error:
        raise Unavailable(f"cannot make the indices ready: {error}") from error
    for name in INDICES:
        # The embedded engine shows what is written only in an index that has been searched once: the first reader
        # would see an empty one. Elasticsearch needs no such thing, and may not be ready for a search yet.
        with contextlib.suppress(ApiError, TransportError):
            es.count(index=f"{prefix}-{name}")
    return shapes


def compare(version: Version, wanted: Mapping[str, Any]) -> list[Difference]:
    """In what a version is not as wanted, counting what its older documents have not got."""
    found = differences(version.mappings, wanted, version.settings, settings())
    known = set(paths(wanted["properties"]))
    return found + [
        Difference("unfilled", path, "nothing", "a value") for path in version.notes["added"] if path in known
    ]


def create_version(es: Elasticsearch, index: str, wanted: Mapping[str, Any], **options: Any) -> None:
    """Make a version of an index. It says itself what it is: templates may be those of another release.

    Raises:
        elasticsearch.BadRequestError: it is there already.
    """
    es.indices.create(index=index, settings=settings(), mappings=wanted, **options)
    log.info("index created", index=index)


def _ensure_templates(es: Elasticsearch, prefix: str) -> set[str]:
    """The templates of this release; returns the analysers that are missing.

    One request in the place of fifty, at every start but the first: only those that were missing are asked for again.
    """
    try:
        found = es.indices.get_index_template(name=f"{prefix}-*")["index_templates"]
    except NotFoundError:
        found = []
    there = {one["name"]: one["index_template"].get("_meta", {}) for one in found}
    known = [set(there.get(f"{prefix}-{name}", {}).get("missing", analysers().values())) for name in INDICES]
    missing = missing_analysers(es, set.union(*known))
    for name in INDICES:
        body = template(name, prefix, missing)
        if there.get(body["name"], {}).get("digest") != body["meta"]["digest"]:
            es.indices.put_index_template(**body)
    if missing:
        log.debug("analysers are missing; the common one stands in for them", analysers=sorted(missing))
    return missing


def _make(es: Elasticsearch, prefix: str, name: str, there: list[Version], missing: set[str]) -> None:
    alias = f"{prefix}-{name}"
    if name in plain_indices(es, prefix):
        raise UserError(
            f"{alias} is a plain index, and no alias can be made in its place: polywire index status says what to do"
        )
    whole = [version for version in there if version.notes["done"]]
    if whole:  # one that has lost its alias, which is made after the index
        es.indices.put_alias(index=whole[-1].index, name=alias, is_write_index=True)
        return
    index = f"{alias}-000001"
    try:
        create_version(es, index, mapping(name, missing), aliases={alias: {"is_write_index": True}})
    except BadRequestError as error:
        if "resource_already_exists" not in str(error):
            raise
        es.indices.put_alias(index=index, name=alias, is_write_index=True)


def _add_fields(es: Elasticsearch, version: Version, wanted: Mapping[str, Any]) -> Version:
    """Add what is missing, and note it where there are documents that have not got it."""
    new = additions(version.mappings, wanted)
    if not new:
        return version
    added = list(version.notes["added"])
    if es.count(index=version.index)["count"]:
        added = sorted({*added, *paths(new)})
    notes = {**version.notes, "added": added}
    try:
        es.indices.put_mapping(index=version.index, properties=new, meta=noted(notes))
    except BadRequestError as error:
        log.warning("fields cannot be added to the index", index=version.index, fields=[*paths(new)], reason=str(error))
        return version
    mappings = es.indices.get_mapping(index=version.index).body[version.index]["mappings"]
    log.info("fields added to the index", index=version.index, fields=[*paths(new)])
    return Version(version.index, version.current, mappings, version.settings, notes)


def _let_go(es: Elasticsearch, version: Version) -> None:
    """Allow writing again where a migration stopped it and died before it could go on."""
    holder = version.notes["holder"]
    if not version.blocked or not holder:
        return  # an operator's own block, or none
    if time.monotonic() - _holders.setdefault(holder, time.monotonic()) < ABANDONED_SECONDS:
        return
    let_go(es, version)
    log.warning(
        "a migration that died had stopped writing: it goes on", index=version.index, run="polywire index migrate"
    )


def let_go(es: Elasticsearch, version: Version) -> None:
    """Allow writing to a version that a migration has stopped."""
    es.indices.put_settings(index=version.index, settings={"index.blocks.write": None})
    # Last: a stop without a holder is an operator's own, and stays.
    es.indices.put_mapping(index=version.index, meta=noted(version.notes, holder=None))


@cache
def _warn(index: str, what: tuple[str, ...]) -> None:
    """Once a process."""
    log.warning(
        "the index is not as it should be; what it cannot take is left out until it is migrated",
        index=index, differences=list(what), run="polywire index migrate",
    )  # fmt: skip
