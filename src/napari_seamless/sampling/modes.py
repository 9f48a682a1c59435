"""Sampling modes, and the patches they place along an axis."""

from __future__ import annotations

from enum import Enum

from napari_seamless.plan import axis_grid
from napari_seamless.types import AxisGrid, BorderMode, PadSides


class SamplingMode(Enum):
    """What happens where the patches do not fit the image.

    ``SAMPLE_EDGE`` moves the last patch back to the image's end; ``SAMPLE_ADAPTIVE`` cuts patches there;
    ``SAMPLE_CROP`` leaves the rest without a patch; ``SAMPLE_SQUEEZE`` moves all patches closer together.
    ``PAD_END`` and ``PAD_BOTH`` let patches reach beyond the image's end, or both its ends, where they find padding;
    ``PAD_UNKNOWN`` is another name of ``PAD_END``.

    Examples
    --------
    >>> SamplingMode.PAD_UNKNOWN is SamplingMode.PAD_END
    True
    """

    SAMPLE_EDGE = 1
    SAMPLE_ADAPTIVE = 2
    SAMPLE_CROP = 3
    SAMPLE_SQUEEZE = 4
    PAD_END = 5
    PAD_UNKNOWN = 5  # noqa: PIE796  an alias
    PAD_BOTH = 6

    @property
    def pads(self) -> bool:
        """Whether patches may reach beyond the image."""
        return self in {SamplingMode.PAD_END, SamplingMode.PAD_BOTH}


_BORDERS: dict[SamplingMode, tuple[BorderMode, PadSides]] = {
    SamplingMode.SAMPLE_EDGE: ("edge", "end"),
    SamplingMode.SAMPLE_CROP: ("crop", "end"),
    SamplingMode.SAMPLE_SQUEEZE: ("squeeze", "end"),
    SamplingMode.PAD_END: ("pad", "end"),
    SamplingMode.PAD_BOTH: ("pad", "both"),
}


def place_patches(length: int, patch: int, step: int, mode: SamplingMode) -> AxisGrid:
    """Place patches along one axis.

    Parameters
    ----------
    length, patch, step : int
        Voxels of the image, of a patch, and between the origins of patches.
    mode : SamplingMode
        With ``SAMPLE_ADAPTIVE`` a patch begins at every step, also where an earlier patch already ends with the image.

    Examples
    --------
    >>> place_patches(10, 4, 3, SamplingMode.SAMPLE_ADAPTIVE)
    AxisGrid(length=10, starts=(0, 3, 6, 9), sizes=(4, 4, 4, 1))
    """
    if mode is SamplingMode.SAMPLE_ADAPTIVE:
        starts = tuple(range(0, length, step))
        return AxisGrid(length=length, starts=starts, sizes=tuple(min(patch, length - start) for start in starts))
    border, sides = _BORDERS[mode]
    return axis_grid(length, patch, step, border, pad_sides=sides)
