"""Where patches lie along one axis, for each border mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import GeometryError
from napari_seamless.types import AxisGrid, BorderMode

if TYPE_CHECKING:
    from collections.abc import Callable


def axis_grid(  # noqa: PLR0913  six plain numbers and names
    length: int, patch: int, step: int, border: BorderMode, *, divisor: int = 1, axis: str = "?"
) -> AxisGrid:
    """Place patches along one axis.

    Parameters
    ----------
    length : int
        Voxels of the volume, >= 1.
    patch : int
        Patch size in voxels, >= 1; larger than `length` only with ``adaptive``.
    step : int
        Distance between patch origins in voxels, 1..patch.
    border : {"squeeze", "edge", "adaptive", "crop"}
        ``edge`` shifts the last patch back to the volume's end; ``squeeze`` spreads that shift evenly over all patches;
        ``adaptive`` makes the last patch smaller, or all of them where the volume is smaller than a patch; ``crop``
        leaves the rest uncovered.
    divisor : int
        With ``adaptive``, the smaller patch is a multiple of this (it starts earlier where it must).
    axis : str
        Name for messages.

    Returns
    -------
    AxisGrid

    Raises
    ------
    GeometryError
        The patch does not fit, the step leaves gaps, or there is no such border mode.

    Examples
    --------
    >>> axis_grid(10, 4, 4, "squeeze").starts
    (0, 3, 6)
    >>> axis_grid(10, 4, 4, "edge").starts
    (0, 4, 6)
    >>> axis_grid(10, 4, 4, "adaptive").sizes
    (4, 4, 2)
    >>> axis_grid(10, 4, 4, "crop").starts
    (0, 4)
    """
    if not 1 <= step <= patch:
        raise GeometryError(
            f"The step along {axis} must be 1 to the patch size {patch}, got {step}; choose an overlap of 0 or more."
        )
    if border == "adaptive":
        return _adaptive(length, patch, step, divisor, axis)
    if border not in _PLACE:
        raise GeometryError(f"The border mode must be squeeze, edge, adaptive or crop, got {border!r}; try squeeze.")
    if patch > length:
        raise GeometryError(
            f"The patch size along {axis} is {patch} but the volume has only {length} voxels there; "
            f"choose a patch of at most {length}, or the border mode adaptive."
        )
    starts = _PLACE[border](length - patch, step)
    return AxisGrid(length=length, starts=starts, sizes=(patch,) * len(starts))


def _crop(slack: int, step: int) -> tuple[int, ...]:
    return tuple(range(0, slack + 1, step))


def _edge(slack: int, step: int) -> tuple[int, ...]:
    starts = _crop(slack, step)
    return starts if starts[-1] == slack else (*starts, slack)


def _squeeze(slack: int, step: int) -> tuple[int, ...]:
    """Neighbouring distances differ by at most one voxel, and none is above the step."""
    gaps = -(-slack // step)
    return tuple(i * slack // max(gaps, 1) for i in range(gaps + 1))


_PLACE: dict[BorderMode, Callable[[int, int], tuple[int, ...]]] = {"crop": _crop, "edge": _edge, "squeeze": _squeeze}


def _adaptive(length: int, patch: int, step: int, divisor: int, axis: str) -> AxisGrid:
    if length < divisor:
        raise GeometryError(
            f"The volume has {length} voxels along {axis}, fewer than the {divisor} that this network's patches must "
            "be a multiple of; use a larger volume or another network."
        )
    patch = min(patch, length // divisor * divisor)
    step = min(step, patch)
    full = _crop(length - patch, step)
    if full[-1] + patch == length:
        return AxisGrid(length=length, starts=full, sizes=(patch,) * len(full))
    size = -(-(length - full[-1] - step) // divisor) * divisor
    return AxisGrid(length=length, starts=(*full, length - size), sizes=(*(patch,) * len(full), size))
