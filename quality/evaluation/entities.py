"""How well entities are read: do two languages of one document name the same, and are gold mentions found.

What counts in the Jaccard figure: every id that an article without a deal carries (EntityRecognizer.subjects), once,
however often it is named. Persons that no table knows count under the id they have in the story, so that one found in
some of the variants only, or under two ids, costs. Names without an id (`unlinked`) do not count. Two variants that
name nothing are alike.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from schemas.readings import Entity

Recognize = Callable[[str, str], list[Entity]]
"""Text and language to entities."""
Unify = Callable[[list[Entity], list[Entity], str], dict[str, str]]
"""Known persons, new persons, language: ids of the new ones to ids of the story (streams.entities.unify_persons)."""
Interval = tuple[int, int, str]
"""Start, end, type of a mention."""


def jaccard(one: set[str], other: set[str]) -> float:
    """Size of the intersection over that of the union; two empty sets are alike."""
    return len(one & other) / len(one | other) if one or other else 1.0


@dataclass
class Counts:
    """Mentions found and missed."""

    hits: int = 0
    gold: int = 0
    read: int = 0

    @property
    def recall(self) -> float:
        return self.hits / self.gold if self.gold else 0.0

    @property
    def precision(self) -> float:
        return self.hits / self.read if self.read else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.gold + self.read) if self.gold + self.read else 0.0

    def add(self, other: Counts) -> None:
        """Count the other's mentions too."""
        self.hits += other.hits
        self.gold += other.gold
        self.read += other.read


@dataclass
class EntityReport:
    """The figures of one file."""

    documents: int = 0
    pairs: int = 0
    jaccard: float = 0.0
    """Mean over all pairs of variants of one story in two languages."""
    jaccard_by_type: dict[str, float] = field(default_factory=dict)
    jaccard_by_language: dict[str, float] = field(default_factory=dict)
    """Mean over the pairs that a language takes part in."""
    mentions: dict[str, Counts] = field(default_factory=dict)
    """By language, and `all`; empty where the file has no gold mentions."""


def pair_jaccards(variants: Mapping[str, set[str]]) -> dict[tuple[str, str], float]:
    """Jaccard of the id sets of every two variants of a story, by their (sorted) keys."""
    return {(a, b): jaccard(variants[a], variants[b]) for a, b in combinations(sorted(variants), 2)}


def match_mentions(gold: Iterable[Interval], read: Sequence[Interval]) -> Counts:
    """Gold mentions that a mention read of the same type overlaps by at least half of the longer one.

    Each mention read counts for one gold mention only.
    """
    counts = Counts(read=len(read))
    free = list(read)
    for start, end, kind in gold:
        counts.gold += 1
        for candidate in free:
            overlap = min(end, candidate[1]) - max(start, candidate[0])
            if candidate[2] == kind and overlap * 2 >= max(end - start, candidate[1] - candidate[0]):
                counts.hits += 1
                free.remove(candidate)
                break
    return counts


def unified_ids(variants: Mapping[str, list[Entity]], unify: Unify) -> dict[str, set[str]]:
    """Ids per variant as the story has them: persons made one, variant after variant, as enrich does."""
    known: dict[str, Entity] = {}
    result: dict[str, set[str]] = {}
    for language, entities in variants.items():
        persons = [e for e in entities if e.type == "person"]
        same = unify(list(known.values()), persons, language)
        result[language] = {same.get(e.id, e.id) for e in entities}
        for person in persons:
            identity = same.get(person.id, person.id)
            if identity in known:
                mentions = [*known[identity].mentions, *person.mentions]
                known[identity] = known[identity].model_copy(update={"mentions": mentions})
            else:
                known[identity] = person.model_copy(update={"id": identity})
    return result


def evaluate_entities(path: Path, recognize: Recognize, unify: Unify) -> EntityReport:
    """Measure on a JSONL file: `lang`, `title`, `text`, and `story` (variants of one document) or `entities` (gold:
    each with `type` and `mentions` of `start` and `end`, offsets in title, newline, text), or both.

    Raises:
        OSError, ValueError: the file cannot be read, or a line is not a JSON object with these fields.
    """
    report = EntityReport()
    stories: dict[str, dict[str, list[Entity]]] = defaultdict(dict)
    totals: dict[str, Counts] = defaultdict(Counts)
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            row = _row(line, number)
            text = f"{row.get('title', '')}\n{row.get('text', '')}"
            entities = recognize(text, row["lang"])
            report.documents += 1
            if row.get("story"):
                stories[row["story"]].setdefault(row["lang"], entities)
            if "entities" in row:
                gold = [(m["start"], m["end"], e["type"]) for e in row["entities"] for m in e["mentions"]]
                read = [(m.start, m.end, e.type) for e in entities for m in e.mentions if e.type != "weapon"]
                counts = match_mentions(gold, read)
                for key in (row["lang"], "all"):
                    totals[key].add(counts)
    report.mentions = dict(totals)
    _compare(stories, unify, report)
    return report


def _compare(stories: Mapping[str, dict[str, list[Entity]]], unify: Unify, report: EntityReport) -> None:
    scores: list[float] = []
    by_language: dict[str, list[float]] = defaultdict(list)
    by_type: dict[str, list[float]] = defaultdict(list)
    for variants in stories.values():
        ids = unified_ids(variants, unify)
        types = {e.id: e.type for entities in variants.values() for e in entities}
        for (a, b), score in pair_jaccards(ids).items():
            scores.append(score)
            by_language[a].append(score)
            by_language[b].append(score)
        for kind in sorted(set(types.values())):
            of_kind = {lang: {i for i in found if types.get(i) == kind} for lang, found in ids.items()}
            by_type[kind] += [s for pair, s in pair_jaccards(of_kind).items() if of_kind[pair[0]] | of_kind[pair[1]]]
    report.pairs = len(scores)
    report.jaccard = _mean(scores)
    report.jaccard_by_language = {key: _mean(values) for key, values in sorted(by_language.items())}
    report.jaccard_by_type = {key: _mean(values) for key, values in sorted(by_type.items())}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _row(line: str, number: int) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict) or not isinstance(row.get("lang"), str):
        raise ValueError(f"line {number}: not an object with `lang`")
    return row
