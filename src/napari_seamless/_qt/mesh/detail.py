"""The slider of detail: from twenty voxels of error to a quarter of one, and then every triangle."""

from __future__ import annotations

MOST = 100
"""Last position: every triangle is kept."""
_COARSEST, _FINEST = 20.0, 0.25
_DEFAULT_ERROR = 0.5


def max_error(position: int, voxel: float) -> float | None:
    """Return the largest error at a position, in the unit of the voxel size; None keeps every triangle.

    Examples
    --------
    >>> max_error(0, 0.5), max_error(99, 1.0), max_error(100, 1.0)
    (10.0, 0.25, None)
    """
    if position >= MOST:
        return None
    share = position / (MOST - 1)
    return float(f"{voxel * _COARSEST * (_FINEST / _COARSEST) ** share:.3g}")


def default_position() -> int:
    """Return the position of half a voxel: what is left out cannot be seen.

    Examples
    --------
    >>> 0.48 < max_error(default_position(), 1.0) < 0.52
    True
    """
    return min(range(MOST), key=lambda position: abs((max_error(position, 1.0) or 0) - _DEFAULT_ERROR))
