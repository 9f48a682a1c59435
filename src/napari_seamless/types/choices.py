"""The values of a Literal, for messages."""

from __future__ import annotations

from typing import Any, get_args


def one_of(names: Any) -> str:
    """Return the values of a Literal for a message."""
    *first, last = get_args(names)
    return f"{', '.join(first)} or {last}"
