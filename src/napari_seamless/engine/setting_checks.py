"""What settings objects ask of single values: numbers, one value for all axes or one each, a size in bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import psutil

from napari_seamless.errors import SettingsError
from napari_seamless.recipe import parse_bytes


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; a bool is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a real number; a bool is none."""
    return is_whole(value) or isinstance(value, float | np.floating)


def flat(value: Any) -> list[Any]:
    """Return the values of a setting that is one for all axes, one for each, or not given."""
    return [] if value is None else list(value) if np.iterable(value) and not isinstance(value, str) else [value]


def bytes_to_hold(memory_budget: int | str | None) -> int:
    """Return the bytes of a budget: half of what is free where none is given, 0 for a word that is no size.

    Raises
    ------
    SettingsError
        The text is no size.
    """
    if memory_budget is None:
        return int(psutil.virtual_memory().available) // 2
    try:
        size = parse_bytes(memory_budget)
    except ValueError as error:
        raise SettingsError(f"memory_budget: {error}.") from None
    return size if isinstance(size, int) else 0
