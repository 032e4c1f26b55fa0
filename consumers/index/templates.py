"""The mappings as they are wanted, and the analysers that they name.

Mappings are strict: documents are built here, so a field that is not in the mapping is a mistake of ours, never of an
article.

`title` and `text` are analysed the same way in every language: words, folded, pairs of characters where Chinese,
Japanese and Korean are written. `title_i18n.LANG` and `text_i18n.LANG` hold the same text once more for the languages
Elasticsearch has an analyser for; only the document's own language is filled. `title_grams` and `text_grams` hold what
is written in scripts without spaces between words that no common analyser splits (see consumers.query.words).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

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


def mapping(name: str, missing: Iterable[str] = ()) -> dict[str, Any]:
    """The mapping of one of `INDICES`, with its languages filled in.

    `missing`: analysers that the server has not got; the common one stands in for them.
    """
    found: dict[str, Any] = json.loads(json.dumps(_load(name)))
    for field in ("title_i18n", "text_i18n"):
        if field in found["properties"]:
            found["properties"][field]["properties"] = {
                language: {"type": "text", "analyzer": COMMON_ANALYSER if analyser in missing else analyser}
                for language, analyser in sorted(analysers().items())
            }
    return found


def settings() -> dict[str, Any]:
    """The settings of every index."""
    return dict(_load("settings"))


def template(name: str, prefix: str, missing: Iterable[str] = ()) -> dict[str, Any]:
    """The arguments that put the index template for one of `INDICES`."""
    body = {"settings": settings(), "mappings": mapping(name, missing)}
    digest = hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()
    return {
        "name": f"{prefix}-{name}",
        "index_patterns": [f"{prefix}-{name}-0*"],
        "priority": 200,
        "template": body,
        # A write to a version that is gone must fail, not make an empty one.
        "allow_auto_create": False,
        "meta": {"owner": "polywire", "digest": digest, "missing": sorted(missing)},
    }


def missing_analysers(es: Elasticsearch, names: Iterable[str]) -> set[str]:
    """Which of these this Elasticsearch has not got: a core build without its plugin, or the embedded engine."""
    missing = set()
    for analyser in sorted(set(names)):
        try:
            es.indices.analyze(analyzer=analyser, text="a")
        except (BadRequestError, NotFoundError):
            missing.add(analyser)
    return missing
