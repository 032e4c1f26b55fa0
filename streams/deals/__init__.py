"""Arms deals: who supplies whom with what, read from one text, and reconciled over all texts of a story."""

from streams.deals.reader import DealReader, DealReading

__all__ = ["DealReader", "DealReading"]
