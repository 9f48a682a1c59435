"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence

_UNIT_SYMBOLS = {
    "nanometer": "nm",
    "micrometer": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "angstrom": "Å",
}


def times(values: Sequence[object]) -> str:
    """Join numbers with a multiplication sign.

    Examples
    --------
    >>> times((189, 233, 197))
    '189 × 233 × 197'
    """
    return " × ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def size(n_bytes: float) -> str:
    """Say bytes in MiB below a thousand of them, in GiB above.

    Examples
    --------
    >>> size(8_675_289), size(300 * 2**20), size(3 * 2**30)
    ('8.3 MiB', '300 MiB', '3.0 GiB')
    """
    mib = n_bytes / 2**20
    if mib < 10:
        return f"{mib:.1f} MiB"
    return f"{mib:.0f} MiB" if mib < 1000 else f"{n_bytes / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """Say seconds, minutes or hours, as precise as an estimate deserves.

    Examples
    --------
    >>> duration(0.4), duration(42), duration(200), duration(8000)
    ('0.4 s', '42 s', '3 min 20 s', '2 h 13 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def rough(seconds: float) -> str:
    """Say an estimate in two figures.

    Examples
    --------
    >>> rough(0.42), rough(71.2), rough(200), rough(80_000)
    ('0.4 s', '71 s', '3.3 min', '22 h')
    """
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (float("inf"), 3600, "h")):
        if seconds < limit:
            value = seconds / divisor
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    raise ValueError(f"seconds must be a number, got {seconds}")


def voxel(spacing: Sequence[float], units: Sequence[str | None]) -> str:
    """Say the voxel size with its unit.

    Examples
    --------
    >>> voxel((0.29, 0.26, 0.26), ("micrometer",) * 3)
    '0.29 × 0.26 × 0.26 µm'
    """
    names = [_UNIT_SYMBOLS.get(u, u) if u else "" for u in units]
    if len(set(names)) == 1:
        return f"{times([float(s) for s in spacing])} {names[0] or '(no unit)'}"
    return " × ".join(f"{s:g} {n}".strip() for s, n in zip(spacing, names, strict=True))
