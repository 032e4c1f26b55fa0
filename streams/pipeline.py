"""The three stages in a row, without a bus: what `polywire process`, evaluation and backtests run.

The Faust apps run the same parts one by one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.articles import AnalyzedArticle, ClusteredArticle, EnrichedArticle, RawArticle
from streams.analysis import Analyzer
from streams.enrichment import StoryState, enrich
from streams.stories import Assignment, Clusterer


def clustered(
    article: AnalyzedArticle, assignment: Assignment, correction: str | None = None, generation: int = 0
) -> ClusteredArticle:
    """The article with the clusterer's decision on it.

    `correction`: the id of the one that moved it, if one did. `generation`: of the group that the decider was in.
    """
    return ClusteredArticle(
        **dict(article),
        story_id=assignment.story_id,
        duplicate_of=assignment.duplicate_of,
        decision=assignment.decision,
        version=assignment.version,
        moved_from=assignment.moved_from,
        correction_id=correction,
        generation=generation,
    )


def retracted(joining: ClusteredArticle) -> ClusteredArticle:
    """What the story that a moved article leaves is told."""
    assert joining.moved_from is not None
    return joining.model_copy(
        update={
            "story_id": joining.moved_from,
            "retracted": True,
            "moved_to": joining.story_id,
            "moved_from": None,
        }
    )


class Pipeline:
    """Articles in, in the order in which they are to be decided; enriched articles out."""

    def __init__(self, analyzer: Analyzer, clusterer: Clusterer | None = None) -> None:
        self._analyzer = analyzer
        self._clusterer = clusterer or Clusterer()
        self._stories: dict[str, StoryState] = {}

    @classmethod
    def load(cls, cache_dir: Path, **options: Any) -> Pipeline:
        """With an `Analyzer` loaded the same way; raises ModelMissing when a model of its is not there."""
        return cls(Analyzer.load(cache_dir, **options))

    def process(self, article: RawArticle) -> EnrichedArticle:
        """Analyze, cluster and enrich one article."""
        analyzed = self._analyzer.analyze(article)
        decided = clustered(analyzed, self._clusterer.assign(analyzed))
        result = enrich(self._stories.get(decided.story_id), decided)
        self._stories[decided.story_id] = result.state
        assert result.article is not None  # only a retraction gives none, and nothing is retracted here
        return result.article

    def settle(self) -> dict[str, str]:
        """Look at the recent stories again, all at once: the new story id of each article that moved."""
        moved: dict[str, str] = {}
        for correction in self._clusterer.repairs():
            moved.update((a.article_id, a.story_id) for a in self._clusterer.correct(correction))
        return moved

    @property
    def stories(self) -> dict[str, StoryState]:
        """Every story so far, by id."""
        return self._stories
