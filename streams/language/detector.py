"""Which language an article is in."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pycld2

UNDETERMINED = "und"

_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff￾￿]+")
_LINK = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")
_CODES = {"iw": "he", "jw": "jv", "zh-Hant": "zh", "in": "id", "fil": "tl", "nb": "no", "sr-ME": "sr", "blu": "hmn"}


@dataclass(frozen=True)
class Detection:
    """`language`: ISO 639-1 where one exists, else 639-3, or `und`; `confidence`: 0 to 1."""

    language: str
    confidence: float


class LanguageDetector:
    """Detects languages."""

    def detect(self, title: str, text: str = "", hint: str | None = None) -> Detection:  # noqa: ARG002
        """The language of an article; any string is taken."""
        sample = _LINK.sub(" ", _NOT_TEXT.sub(" ", f"{title[:500]}\n{text[:2000]}"))
        if sample.isupper():
            sample = sample.lower()
        try:
            _, _, guesses = pycld2.detect(sample, bestEffort=True)
        except pycld2.error:
            return Detection(UNDETERMINED, 0.0)
        _, code, percent, _ = guesses[0]
        if code == "un":
            return Detection(UNDETERMINED, 0.0)
        return Detection(_CODES.get(code, code), percent / 100)
