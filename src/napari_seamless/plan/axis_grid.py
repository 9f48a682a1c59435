"""Where patches lie along one axis, for each border mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import GeometryError
from napari_seamless.types import AxisGrid, BorderMode, PadSides

if TYPE_CHECKING:
    from collections.abc import Callable


def axis_grid(  # noqa: PLR0913  six plain numbers and names
    length: int,
    patch: int,
    step: int,
    border: BorderMode,
    *,
    divisor: int = 1,
    smallest: int = 1,
    pad_sides: PadSides = "both",
    axis: str = "?",
) -> AxisGrid:
    """Place patches along one axis.

    Parameters
    ----------
    length : int
        Voxels of the volume, >= 1.
    patch : int
        Patch size in voxels, >= 1; larger than `length` only with ``adaptive`` and ``pad``.
    step : int
        Distance between patch origins in voxels, 1..patch.
    border : {"squeeze", "edge", "adaptive", "crop", "pad"}
        ``edge`` shifts the last patch back to the volume's end; ``squeeze`` spreads that shift evenly over all patches;
        ``adaptive`` makes the last patch smaller, or all of them where the volume is smaller than a patch; ``crop``
        leaves the rest uncovered; ``pad`` lets patches reach beyond the volume, as little as the step allows.
    divisor, smallest : int
        With ``adaptive``, the smaller patch is a multiple of `divisor` and holds `smallest` voxels or more (it starts
        earlier where it must).
    pad_sides : {"both", "end"}
        With ``pad``, whether patches reach beyond both ends, by the same number of voxels or one more at the end, or
        beyond the end alone.
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
    >>> axis_grid(10, 4, 4, "pad").starts
    (-1, 3, 7)
    """
    if not 1 <= step <= patch:
        raise GeometryError(
            f"The step along {axis} must be 1 to the patch size {patch}, got {step}; choose an overlap of 0 or more."
        )
    if border == "adaptive":
        return _adaptive(length, patch, step, (divisor, smallest), axis)
    if border == "pad":
        return _pad(length, patch, step, pad_sides)
    if border not in _PLACE:
        raise GeometryError(
            f"The border mode must be squeeze, edge, adaptive, crop or pad, got {border!r}; try squeeze."
        )
    if patch > length:
        raise GeometryError(
            f"The patch size along {axis} is {patch} but the volume has only {length} voxels there; "
            f"choose a patch of at most {length}, or the border mode adaptive or pad."
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


def _pad(length: int, patch: int, step: int, sides: PadSides) -> AxisGrid:
    gaps = max(0, -(-(length - patch) // step))
    before = (gaps * step + patch - length) // 2 if sides == "both" else 0
    return AxisGrid(
        length=length, starts=tuple(i * step - before for i in range(gaps + 1)), sizes=(patch,) * (gaps + 1)
    )


def _adaptive(length: int, patch: int, step: int, least: tuple[int, int], axis: str) -> AxisGrid:
    divisor, smallest = least[0], -(-least[1] // least[0]) * least[0]
    if smallest > patch:
        raise GeometryError(
            f"The smallest patch along {axis} is {smallest} voxels, more than the patch size {patch}; "
            f"choose a smallest patch of at most {patch}."
        )
    if length < smallest > divisor:
        raise GeometryError(
            f"The volume has {length} voxels along {axis}, fewer than the smallest patch of {smallest}; "
            "use a smaller one, or the border mode pad."
        )
    if length < divisor:
        raise GeometryError(
            f"The volume has {length} voxels along {axis}, fewer than the {divisor} that this network's patches must "
            "be a multiple of; use the border mode pad, a larger volume or another network."
        )
    patch = min(patch, length // divisor * divisor)
    step = min(step, patch)
    full = _crop(length - patch, step)
    if full[-1] + patch == length:
        return AxisGrid(length=length, starts=full, sizes=(patch,) * len(full))
    size = max(smallest, -(-(length - full[-1] - step) // divisor) * divisor)
    return AxisGrid(length=length, starts=(*full, length - size), sizes=(*(patch,) * len(full), size))
