"""Which languages are hard to tell apart."""

from __future__ import annotations

KIN = (
    ("id", "ms"), ("bs", "hr", "sr"), ("bs", "hr", "sl", "sr"), ("da", "nn", "no", "sv"),
    ("ca", "es", "gl", "it", "pt"),
    ("cs", "sk"), ("nso", "st", "tn"), ("nd", "nr", "ss", "xh", "zu"), ("rn", "rw"),
    ("bem", "lg", "ln", "ny", "sn", "sw"), ("be", "bg", "mk", "ru", "sr", "uk"), ("ba", "cv", "kk", "ky", "tt"),
    ("az", "tk", "tr", "uz"), ("fo", "is"), ("af", "nl"), ("de", "lb"), ("hi", "mr", "ne"),
    ("ar", "ckb", "fa", "ps", "sd", "ug", "ur"), ("am", "ti"), ("et", "fi"), ("ga", "gd"), ("ceb", "tl"),
    ("jv", "su"), ("haw", "mi", "sm", "to", "ty"), ("lt", "lv"),
)  # fmt: skip
"""Groups of them; a language may be in several."""


def kin_of(language: str) -> list[str]:
    """The others of its groups, in order of the alphabet."""
    return sorted({name for group in KIN if language in group for name in group if name != language})
