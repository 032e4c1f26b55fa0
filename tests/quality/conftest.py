"""What is evaluated and trained is read as the tests of deals read it."""

from tests.deals.conftest import read, recognizer

__all__ = ["read", "recognizer"]
