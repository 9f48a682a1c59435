"""Names as file formats take them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters.

    Examples
    --------
    >>> one_line("left\\nkidney ")
    'left kidney'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def tokens(names: Iterable[str], taken: Collection[str] = (), *, capitals: bool = False) -> dict[str, str]:
    """Return a distinct word of letters, digits and underscores for each name, in capitals where asked for.

    Examples
    --------
    >>> tokens(["distance", "distance map", "distance-map", "x"], taken=("x", "y", "z"))
    {'distance': 'distance', 'distance map': 'distance_map', 'distance-map': 'distance_map_2', 'x': 'x_2'}
    """
    found: dict[str, str] = {}
    used = set(taken)
    for name in names:
        base = re.sub(r"\W", "_", name, flags=re.ASCII) or "value"
        word = base = base.upper() if capitals else base
        n = 1
        while word in used:
            n += 1
            word = f"{base}_{n}"
        used.add(word)
        found[name] = word
    return found
