"""Numbers and tables as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def times(shape: Iterable[float]) -> str:
    """Return lengths joined by a cross.

    Examples
    --------
    >>> times((64, 64, 32))
    '64 x 64 x 32'
    """
    return " x ".join(f"{n:g}" if isinstance(n, float) else f"{n}" for n in shape)


def byte_size(n_bytes: float) -> str:
    """Return a number of bytes in the unit that keeps it short.

    Examples
    --------
    >>> byte_size(512), byte_size(8_675_289), byte_size(3 * 2**30)
    ('512 bytes', '8.3 MiB', '3.0 GiB')
    """
    if n_bytes < 1024:
        return f"{n_bytes:.0f} bytes"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        n_bytes /= 1024
        if n_bytes < 1024:
            return f"{n_bytes:.1f} {unit}"
    return f"{n_bytes / 1024:.1f} PiB"


def duration(seconds: float) -> str:
    """Return a time with the precision that matters.

    Examples
    --------
    >>> duration(0.31), duration(75), duration(3 * 3600 + 240)
    ('0.3 s', '1 min 15 s', '3 h 4 min')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def aligned(rows: Mapping[str, str]) -> str:
    r"""Return an indented table of names and values; further lines of a value stand below its first.

    Examples
    --------
    >>> print(aligned({"shape": "4 x 4", "levels": "4 x 4\n2 x 2"}))
      shape   4 x 4
      levels  4 x 4
              2 x 2
    """
    width = max(map(len, rows), default=0)
    below = "\n" + " " * (width + 4)
    return "\n".join(f"  {name:<{width}}  {value.replace(chr(10), below)}" for name, value in rows.items())
