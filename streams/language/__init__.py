"""The language of an article, from a headline up."""

from streams.language.detector import UNDETERMINED, Detection, LanguageDetector

__all__ = ["UNDETERMINED", "Detection", "LanguageDetector"]
