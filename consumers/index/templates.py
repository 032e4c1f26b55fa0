"""The mappings, and making sure that Elasticsearch has them.

Every name is an alias over a numbered index (`polywire-articles` over `polywire-articles-000001`), so that an index can
be rebuilt beside the old one and swapped in. Mappings are strict: documents are built here, so a field that is not in
the mapping is a mistake of ours, never of an article.

`title` and `text` are analysed the same way in every language: words, folded, pairs of characters where Chinese,
Japanese and Korean are written. `title_i18n.LANG` and `text_i18n.LANG` hold the same text once more for the languages
Elasticsearch has an analyser for; only the document's own language is filled. `title_grams` and `text_grams` hold what
is written in scripts without spaces between words that no common analyser splits (see consumers.query.words).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from polywire.runtime.logs import get_logger
from polywire.runtime.outcomes import Unavailable

log = get_logger(__name__)

INDICES = ("articles", "stories", "alerts", "alert-state", "deliveries")
"""The first three are for people; the alerter and the notifier keep their memory in the others."""
COMMON_ANALYSER = "world"


@cache
def _load(name: str) -> Any:
    return json.loads(resources.files("consumers.index").joinpath(f"{name}.json").read_text(encoding="utf-8"))


@cache
def analysers() -> dict[str, str]:
    """The analyser of each language that has one, by ISO 639 code."""
    return dict(_load("languages"))


def mapping(name: str) -> dict[str, Any]:
    """The mapping of one of `INDICES`, with its languages filled in."""
    found: dict[str, Any] = json.loads(json.dumps(_load(name)))
    for field in ("title_i18n", "text_i18n"):
        if field in found["properties"]:
            found["properties"][field]["properties"] = {
                language: {"type": "text", "analyzer": analyser} for language, analyser in sorted(analysers().items())
            }
    return found


def template(name: str, prefix: str) -> dict[str, Any]:
    """The body of the index template for one of `INDICES`."""
    return {
        "index_patterns": [f"{prefix}-{name}-0*"],
        "priority": 200,
        "template": {"settings": _load("settings"), "mappings": mapping(name)},
        "_meta": {"owner": "polywire", "digest": _digest(name)},
    }


def _digest(name: str) -> str:
    """Changes with the mapping or the settings."""
    content = json.dumps([_load("settings"), mapping(name)], sort_keys=True).encode()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def ensure_indices(es: Elasticsearch, prefix: str) -> None:
    """Create the templates, and the indices and aliases that are missing; add new fields to those that are there.

    Safe to call from several processes at once, and again at every start.

    Raises:
        elasticsearch.ApiError, elastic_transport.TransportError: Elasticsearch refused or is not there.
    """
    if _is_up_to_date(es, prefix):
        return
    missing = _missing_analysers(es)
    for name in INDICES:
        body = template(name, prefix)
        mappings = _without(body["template"]["mappings"], missing)
        es.indices.put_index_template(
            name=f"{prefix}-{name}",
            index_patterns=body["index_patterns"],
            priority=body["priority"],
            template={"settings": body["template"]["settings"], "mappings": mappings},
            meta=body["_meta"],
        )
        alias = f"{prefix}-{name}"
        if es.indices.exists_alias(name=alias):
            es.indices.put_mapping(index=alias, dynamic=mappings["dynamic"], properties=mappings["properties"])
            continue
        try:
            es.indices.create(index=f"{alias}-000001", aliases={alias: {"is_write_index": True}})
        except BadRequestError as error:
            if "resource_already_exists" not in str(error):
                raise
            es.indices.put_alias(index=f"{alias}-000001", name=alias, is_write_index=True)
        log.info("index created", index=f"{alias}-000001")


def _is_up_to_date(es: Elasticsearch, prefix: str) -> bool:
    """Two requests in the place of fifty, at every start but the first."""
    try:
        found = es.indices.get_index_template(name=f"{prefix}-*")["index_templates"]
        aliases = es.indices.get_alias(name=[f"{prefix}-{name}" for name in INDICES]).body
    except NotFoundError:
        return False
    digests = {one["name"]: one["index_template"].get("_meta", {}).get("digest") for one in found}
    there = {alias for index in aliases.values() for alias in index.get("aliases", {})}
    return all(digests.get(f"{prefix}-{name}") == _digest(name) and f"{prefix}-{name}" in there for name in INDICES)


def make_ready(es: Elasticsearch, prefix: str) -> None:
    """`ensure_indices` for a consumer.

    Raises:
        Unavailable: whatever Elasticsearch has against it, no message is to blame.
    """
    try:
        ensure_indices(es, prefix)
    except (ApiError, TransportError) as error:
        raise Unavailable(f"cannot make the indices ready: {error}") from error
    for name in INDICES:
        # The embedded engine shows what is written only in an index that has been searched once: the first reader
        # would see an empty one. Elasticsearch needs no such thing, and may not be ready for a search yet.
        with contextlib.suppress(ApiError, TransportError):
            es.count(index=f"{prefix}-{name}")


def _missing_analysers(es: Elasticsearch) -> set[str]:
    """Analysers that this Elasticsearch does not have: a core build without its plugin, or the embedded engine."""
    missing = set()
    for analyser in sorted(set(analysers().values())):
        try:
            es.indices.analyze(analyzer=analyser, text="a")
        except (BadRequestError, NotFoundError):
            missing.add(analyser)
    if missing:
        log.warning("analysers are missing; the common one stands in for them", analysers=sorted(missing))
    return missing


def _without(mappings: dict[str, Any], missing: set[str]) -> dict[str, Any]:
    for field in ("title_i18n", "text_i18n"):
        for text in mappings["properties"].get(field, {}).get("properties", {}).values():
            if text["analyzer"] in missing:
                text["analyzer"] = COMMON_ANALYSER
    return mappings
