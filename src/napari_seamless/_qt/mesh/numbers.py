"""Numbers of meshes as people type and read them."""

from __future__ import annotations

import math

from napari_seamless._qt import text
from napari_seamless.errors import SettingsError


def short(value: float) -> str:
    """Say a number in three figures, or in all before its point.

    Examples
    --------
    >>> short(0.41972), short(88), short(12430.4)
    ('0.42', '88', '12,430')
    """
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{float(f'{value:.3g}'):g}"


def symbol(unit: str | None, power: int = 1) -> str:
    """Return the sign of a unit, of an area or of a volume; a voxel step without a unit has none.

    Examples
    --------
    >>> symbol("micrometer", 3), symbol("millimeter"), symbol(None, 2)
    ('µm³', 'mm', '')
    """
    if unit is None or unit == "pixel":
        return ""
    return text.voxel((1.0,), (unit,)).removeprefix("1 ") + {1: "", 2: "²", 3: "³"}[power]


def length(value: float, unit: str | None) -> str:
    """Say a length.

    Examples
    --------
    >>> length(0.41972, "micrometer"), length(3, None)
    ('0.42 µm', '3')
    """
    return f"{short(value)} {symbol(unit)}".strip()


def number(typed: str, name: str, wanted: str) -> float | None:
    """Return a number that was typed; None where nothing was.

    Raises
    ------
    SettingsError
        It is none.
    """
    plain = typed.strip().replace(",", "")
    if not plain:
        return None
    try:
        return float(plain)
    except ValueError:
        raise SettingsError(f"{name} must be {wanted}, got {typed!r}; leave it empty for none.") from None


def whole_number(typed: str, name: str, wanted: str) -> int | None:
    """Return a whole number that was typed; None where nothing was.

    Raises
    ------
    SettingsError
        It is none.
    """
    value = number(typed, name, wanted)
    if value is None:
        return None
    if not value.is_integer():
        raise SettingsError(f"{name} must be {wanted}, got {typed!r}; leave it empty for none.")
    return int(value)
