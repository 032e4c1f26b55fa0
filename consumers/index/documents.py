"""Documents from messages: pure functions. What is searched is in fields of its own; what pages show is kept whole.

Entity, country, weapon, supplier and recipient fields hold everything a person may type: the id (`Q159`), the ISO
3166-1 code (`RU`) and the names (`Russia`). Fields ending in `_name` hold the canonical name alone, for counting.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from consumers.index.shape import LEFT_OUT
from consumers.index.templates import analysers
from consumers.query.names import Named, country_labels, labels
from consumers.query.words import grams
from schemas.alerts import Alert
from schemas.articles import ClusteredArticle, EnrichedArticle
from schemas.readings import Deal
from schemas.stories import Story, StoryDeal

MAX_NESTED_DEALS = 200
"""Of one document. A text with more is a list of deals, and each of them is still found by the flat fields."""
_DIMENSIONS = 384
_MAX_LONG = 2**63 - 1
_TINY = 1e-9
"""A vector shorter than this is no direction to the clusterer either (streams.stories.vectors)."""

Document = dict[str, Any]


def article_document(article: EnrichedArticle) -> Document:
    """The document of an article; its id is the article's, its version the article's `rank`."""
    title, text = _nfc(article.title), _nfc(article.text)
    named: Mapping[str, Named] = {entity.id: entity for entity in article.entities}
    document: Document = {
        "id": article.id,
        "story_id": article.story_id,
        "story_title": _nfc(article.story.title),
        "story_language": article.story.languages,
        "article_count": article.story.article_count,
        "language_count": len(article.story.languages),
        "source": article.source,
        "url": article.url,
        "external_id": article.external_id,
        "title": title,
        "text": text,
        "language": article.language,
        "language_hint": article.language_hint,
        "language_confidence": article.language_confidence,
        "published": article.published,
        "collected": article.collected,
        "when": article.when,
        "duplicate_of": article.duplicate_of,
        "new_story": article.decision.new_story,
        "correction_id": article.correction_id,
        "version": article.rank,
        "arms_deal": article.arms_deal,
        "arms_deal_score": article.arms_deal_score,
        "meta": {key.replace("\0", ""): value for key, value in article.meta.items() if key.strip("\0")},
        "title_grams": grams(title),
        "text_grams": grams(text),
        "reading": article.model_dump(mode="json", include={"entities", "deals", "decision", "notes", "story"}),
        **entity_fields(named.values()),
        **deal_fields(article.deals, named),
    }
    if article.language in analysers():
        document["title_i18n"] = {article.language: title}
        document["text_i18n"] = {article.language: text}
    if _is_direction(article.embedding):
        document["embedding"] = article.embedding
    return _tidy(document)


def article_of(document: Mapping[str, Any], embedding: Sequence[float] | None) -> ClusteredArticle:
    """The article that a document was made of, but for how its text was normalised and the names without an id.

    `embedding`: the document's vector as `vector_of` finds it; None where the article has none. From 9.2 on,
    Elasticsearch leaves vectors out of what it gives back of a document, so that its absence there says nothing.
    """
    reading = document["reading"]
    document = {**reading.get(LEFT_OUT, {}), **document}
    fields = {name: document[name] for name in ClusteredArticle.model_fields if name in document}
    return ClusteredArticle.model_validate(
        {
            **fields,
            "title": document.get("title", ""),
            "text": document.get("text", ""),
            "embedding": embedding or [0.0] * _DIMENSIONS,
            **{name: reading[name] for name in ("entities", "deals", "decision", "notes") if name in reading},
        }
    )


VECTOR_FIELDS = [{"field": "embedding"}]
"""The `fields` of a search whose hits `vector_of` is to look at."""


def vector_of(hit: Mapping[str, Any]) -> list[float] | None:
    """The vector of a hit that was asked for `VECTOR_FIELDS`; None where the article has none."""
    found = hit.get("fields", {}).get("embedding") or hit["_source"].get("embedding")
    return list(found) if found else None


def renewed(name: str, document: Mapping[str, Any], embedding: Sequence[float] | None) -> Document | None:
    """The document as it would be made today, from what an older one has stored; None where that does not do.

    `name`: one of `consumers.index.INDICES`; the memories of the alerter and the notifier are made of nothing else.
    """
    try:
        if name == "articles":
            story = document["reading"]["story"]
            article = article_of(document, embedding)
            return article_document(EnrichedArticle.model_validate({**article.model_dump(), "story": story}))
        if name == "stories":
            return story_document(Story.model_validate(document["story"]))
        if name == "alerts":
            return alert_document(Alert.model_validate(document["alert"]))
    except (KeyError, TypeError, ValueError):
        return None
    return None


def story_document(story: Story) -> Document:
    """The document of a story; its id is the story's, its version the story's `version`."""
    named: Mapping[str, Named] = {entity.id: entity for entity in story.entities}
    titles = {language: _nfc(title) for language, title in story.titles.items()}
    document: Document = {
        "id": story.id,
        "title": _nfc(story.title),
        "titles": list(dict.fromkeys(titles.values())),
        "title_i18n": {language: title for language, title in titles.items() if language in analysers()},
        "title_grams": grams("\n".join([_nfc(story.title), *titles.values()])),
        "language": story.languages,
        "language_count": len(story.languages),
        "source": story.sources,
        "source_count": len(story.sources),
        "article_count": story.article_count,
        "first_seen": story.first_seen,
        "last_seen": story.last_seen,
        "when": story.last_seen,
        "merged_into": story.merged_into,
        "version": story.version,
        "arms_deal": story.arms_deal,
        "arms_deal_score": story.arms_deal_score,
        "story": story.model_dump(mode="json"),
        **entity_fields(named.values()),
        **deal_fields(story.deals, named),
    }
    return _tidy(document)


def alert_document(alert: Alert) -> Document:
    """The document of an alert as it stands; its id is the alert's, its version the alert's `revision`."""
    document: Document = {
        "id": alert.id,
        "revision": alert.revision,
        "version": alert.revision,
        "subscription_id": alert.subscription_id,
        "subscription_name": alert.subscription_name,
        "story_id": alert.story_id,
        "title": _nfc(alert.title),
        "article_id": alert.article_id,
        "language": alert.languages,
        "language_count": len(alert.languages),
        "first_language": alert.languages[0] if alert.languages else alert.language,
        "source": alert.sources,
        "article_count": alert.article_count,
        "when": alert.at,
        "alert": alert.model_dump(mode="json"),
        **deal_fields(alert.deals, {}),
    }
    return _tidy(document)


def entity_fields(entities: Iterable[Named]) -> Document:
    """The flat fields of what is named: everything, countries, weapons."""
    found: dict[str, list[str]] = {name: [] for name in ("entity", "entity_name", "weapon", "weapon_name")}
    codes: list[str] = []
    countries: list[str] = []
    for entity in entities:
        found["entity"] += labels(entity)
        found["entity_name"].append(entity.name)
        if entity.type == "weapon":
            found["weapon"] += labels(entity)
            found["weapon_name"].append(entity.name)
        elif entity.type in {"place", "organization"} and entity.country:
            codes.append(entity.country)
            if entity.kind == "country":
                countries += labels(entity)
    for code in dict.fromkeys(codes):
        countries += country_labels(code)
    return {
        **{name: _unique(values) for name, values in found.items()},
        "country": _unique(countries),
        "country_name": _unique(country_labels(code)[-1] for code in codes),
    }


def deal_fields(deals: Sequence[Deal | StoryDeal], named: Mapping[str, Named]) -> Document:
    """Deals, flat for queries and nested for questions of who sold what to whom."""
    flat: dict[str, list[str]] = {
        name: [] for name in ("supplier", "supplier_name", "recipient", "recipient_name", "weapon", "weapon_name")
    }
    nested = []
    for deal in deals:
        row: Document = {
            "act": deal.act,
            "status": deal.status,
            "score": deal.score,
            "quantity": deal.quantity if deal.quantity is not None and abs(deal.quantity) <= _MAX_LONG else None,
            "disputed": deal.disputed if isinstance(deal, StoryDeal) else None,
            "evidence": [e.text for e in deal.evidence[:20]] if isinstance(deal, StoryDeal) else deal.evidence.text,
        }
        if deal.amount and math.isfinite(deal.amount.value):
            row["amount"], row["currency"] = deal.amount.value, deal.amount.currency
        for role, ids in (("supplier", deal.supplier), ("recipient", deal.recipient), ("weapon", deal.weapons)):
            row[role] = _unique(label for id_ in ids for label in _id_labels(id_, named))
            row[f"{role}_name"] = _unique(named[id_].name for id_ in ids if id_ in named)
            flat[role] += row[role]
            flat[f"{role}_name"] += row[f"{role}_name"]
        nested.append(_tidy(row))
    fields: Document = {name: _unique(values) for name, values in flat.items() if name not in _SHARED}
    # Weapons are named outside deals, too: those are in the entities already.
    return {
        **fields,
        "act": _unique(deal.act for deal in deals),
        "status": _unique(deal.status for deal in deals),
        "deals": nested[:MAX_NESTED_DEALS],
    }


_SHARED = frozenset({"weapon", "weapon_name"})


def _id_labels(id_: str, named: Mapping[str, Named]) -> list[str]:
    entity = named.get(id_)
    if entity is None:
        return [id_]
    found = labels(entity)
    if entity.country and entity.type != "weapon":
        found += country_labels(entity.country)
    return found


def _is_direction(vector: Sequence[float]) -> bool:
    """Cosine takes no zero vector, and one such refuses the whole document."""
    # In single precision, as it is kept: what is tiny there is zero.
    return any(abs(x) > _TINY for x in vector) and all(math.isfinite(x) for x in vector)


def _nfc(text: str) -> str:
    """Letters and their marks as one character, as the analysers expect them."""
    return unicodedata.normalize("NFC", text)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _tidy(document: Document) -> Document:
    """Without what is empty: a missing field is what `_exists_` and the aggregations expect."""
    return {key: value for key, value in document.items() if value not in (None, "", [], {})}
