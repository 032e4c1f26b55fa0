"""The Elasticsearch indices: their mappings, and the documents that go into them (pure)."""
