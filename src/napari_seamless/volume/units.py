"""One spelling for each unit of length, the one that OME-Zarr uses."""

from __future__ import annotations

_SPELLINGS = {
    "angstrom": ("å", "a", "ångström"),
    "nanometer": ("nm", "nanometre", "nanometers", "nanometres"),
    "micrometer": ("um", "µm", "μm", "micron", "microns", "micrometre", "micrometers", "micrometres", r"\u00b5m"),
    "millimeter": ("mm", "millimetre", "millimeters", "millimetres"),
    "centimeter": ("cm", "centimetre", "centimeters", "centimetres"),
    "meter": ("m", "metre", "meters", "metres"),
    "inch": ("in", "inches", '"'),
}
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in (name, *spellings)}
_UNKNOWN = frozenset({"", "unknown", "none", "null", "pixel", "pixels", "px", "voxel", "voxels", "dimensionless"})


def unit_name(text: object) -> str | None:
    """Return the OME-Zarr name of a unit, None where there is none; unknown names stay as they are.

    Examples
    --------
    >>> unit_name("mm"), unit_name("micron"), unit_name("pixel"), unit_name("furlong")
    ('millimeter', 'micrometer', None, 'furlong')
    """
    name = "" if text is None else str(text).strip()
    if name.lower() in _UNKNOWN:
        return None
    return _NAMES.get(name.lower(), name)
