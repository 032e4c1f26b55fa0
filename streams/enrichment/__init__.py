"""What only the whole story can tell: one id for a person in all spellings, one deal from all variants."""

from streams.enrichment.joining import Enrichment, enrich
from streams.enrichment.state import ArticleFacts, StoryState
from streams.enrichment.storage import Stored, changes, load

__all__ = ["ArticleFacts", "Enrichment", "Stored", "StoryState", "changes", "enrich", "load"]
