"""Subscription queries: Lucene's syntax, matched against one article in memory. Pure.

The same query, handed to Elasticsearch (`Query.for_elasticsearch`), finds the same articles there.
"""
