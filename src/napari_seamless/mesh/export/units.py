"""Units of length, as text for a file and as nanometres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NANOMETERS = {
    "angstrom": 0.1,
    "nanometer": 1.0,
    "micrometer": 1e3,
    "millimeter": 1e6,
    "centimeter": 1e7,
    "inch": 2.54e7,
    "meter": 1e9,
}


def unit_text(units: Sequence[str | None]) -> str:
    """Return the unit of the axes z, y, x as one text for a file, in which x comes first.

    Examples
    --------
    >>> unit_text(("micrometer",) * 3)
    'micrometer'
    >>> unit_text((None, None, None))
    'unknown'
    >>> unit_text(("millimeter", "micrometer", "micrometer"))
    'x micrometer, y micrometer, z millimeter'
    """
    names = [unit or "unknown" for unit in reversed(units)]
    if len(set(names)) == 1:
        return names[0]
    return ", ".join(f"{axis} {name}" for axis, name in zip("xyz", names, strict=True))


def nanometers(unit: str | None) -> float:
    """Return how many nanometres a unit has; without a unit, one step of the volume counts as one nanometre.

    Raises
    ------
    SettingsError
        The unit is no length that is known.

    Examples
    --------
    >>> nanometers("micrometer"), nanometers(None)
    (1000.0, 1.0)
    """
    if unit is None:
        return 1.0
    if unit not in _NANOMETERS:
        raise SettingsError(
            f"units holds {unit!r}, but Neuroglancer needs lengths in nanometres; use one of "
            f"{', '.join(_NANOMETERS)}, or None."
        )
    return _NANOMETERS[unit]
