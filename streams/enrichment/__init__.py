"""What only the whole story can tell: one id for a person in all spellings, one deal from all variants."""

from streams.enrichment.build import Enrichment, enrich
from streams.enrichment.state import ArticleFacts, StoryState

__all__ = ["ArticleFacts", "Enrichment", "StoryState", "enrich"]
