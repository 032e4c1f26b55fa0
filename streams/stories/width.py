"""How wide a story is: how alike its own articles are, as far as so few of them can tell.

One article says nothing about the width of its story, two say little. Until there are more, a story is taken to be as
wide as stories usually are, so that the first articles of a story find each other no less easily than the later ones
find it. What is known of a story with its articles also decides how much evidence may count against it: two stories
with several full texts each are told apart at distances at which two headlines are not.
"""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt

PRIOR_PAIRS = 6.0
"""The usual width counts as so many pairs of articles."""
HALF_GROWN = 3.0
"""A story is half grown when so many articles have come to its first."""
FULL_WORDS = 48
"""Different words (or pairs of characters, see terms.py) of title and lead from which a text counts as a full one."""
_LEAST = 0.01

Floats = npt.NDArray[np.float64]


@overload
def width(own: float, size: float, usual: float) -> float: ...
@overload
def width(own: Floats, size: Floats, usual: float) -> Floats: ...
def width(own: float | Floats, size: float | Floats, usual: float) -> float | Floats:
    """Mean product of two different articles of a story.

    `own` is the sum of all products between its articles, each with itself (1) included; `size` their number;
    `usual` what is assumed before anything is known.
    """
    known = (own - size + PRIOR_PAIRS * usual) / (size * (size - 1.0) + PRIOR_PAIRS)
    return max(known, _LEAST) if isinstance(known, float) else np.maximum(known, _LEAST)


@overload
def grown(size: float) -> float: ...
@overload
def grown(size: Floats) -> Floats: ...
def grown(size: float | Floats) -> float | Floats:
    """0 for one article, nearing 1 with many."""
    return (size - 1.0) / (size - 1.0 + HALF_GROWN)
