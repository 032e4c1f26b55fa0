"""How long to wait before what failed is tried again. Pure, but for chance."""

from __future__ import annotations

import random

_DOUBLINGS = 30
"""Beyond them any pause is as long as it gets, and numbers need not grow."""


def doubled(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after so many failures in a row (1, 2, …): `first`, each time twice as long, up to `longest`."""
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), _DOUBLINGS))


def pause(failures: int, first: float, longest: float) -> float:
    """`doubled`, give or take a fifth, so that those that failed together do not come back together."""
    return doubled(failures, first, longest) * random.uniform(0.8, 1.2)
