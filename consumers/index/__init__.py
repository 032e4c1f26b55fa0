"""The Elasticsearch indices: their mappings, and the documents that go into them (pure)."""

from consumers.index.templates import INDICES, ensure_indices, make_ready, mapping

__all__ = ["INDICES", "ensure_indices", "make_ready", "mapping"]
