"""The Elasticsearch indices: their mappings, the documents that go into them, and their life."""

from consumers.index.ready import ensure_indices, make_ready
from consumers.index.templates import INDICES, mapping

__all__ = ["INDICES", "ensure_indices", "make_ready", "mapping"]
