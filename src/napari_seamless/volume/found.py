"""What a reader found in a source, and what the caller overrides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from napari_seamless.types import NON_SPATIAL_AXES, ArrayLike, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

MissingChunks = Literal["warn", "error", "fill"]
DamagedChunks = Literal["error", "fill"]
PerLevel = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the caller of `open_volume` says; None keeps what the source says.

    Parameters
    ----------
    axes : str or sequence of str or None
        One name per array axis.
    spacing, translation : float or sequence of float or None
        Per spatial axis of the finest level.
    units : str or sequence or None
        Per spatial axis.
    name : str or None
        Name of the volume.
    missing_chunks : {"warn", "error", "fill"}
        What to do where a zarr store has no chunk.
    damaged_chunks : {"error", "fill"}
        What to do where a chunk cannot be decoded.
    """

    axes: str | Sequence[str] | None = None
    spacing: float | Sequence[float] | None = None
    units: str | Sequence[str | None] | None = None
    translation: float | Sequence[float] | None = None
    name: str | None = None
    missing_chunks: MissingChunks = "warn"
    damaged_chunks: DamagedChunks = "error"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a source says of itself, per array axis (not only per spatial axis).

    Parameters
    ----------
    name : str
        Name for layers and messages.
    arrays : tuple of ArrayLike
        Finest level first.
    axes : tuple of str or None
        Names; None where the source has none.
    unclear_axes : str
        Stored axes that do not say what is space; then the caller must name the axes.
    scales, translations : tuple of tuple of float or None
        Per level and array axis; None where the source says nothing.
    units : tuple of str or None
        Per array axis; empty where the source says nothing.
    source, channels, affine, is_labels, label_names
        As in `napari_seamless.types.Volume`.
    """

    name: str
    arrays: tuple[ArrayLike, ...]
    axes: tuple[str, ...] | None = None
    unclear_axes: str = ""
    scales: PerLevel | None = None
    translations: PerLevel | None = None
    units: tuple[str | None, ...] = ()
    source: str | None = None
    channels: tuple[str, ...] = ()
    affine: np.ndarray[Any, np.dtype[np.float64]] | None = None
    is_labels: bool = False
    label_names: Mapping[int, str] = field(default_factory=dict)

    @staticmethod
    def of(volume: Volume) -> Found:
        """Return what an open volume says of itself."""

        def per_axis(values: tuple[float, ...], other: float) -> tuple[float, ...]:
            left = iter(values)
            return tuple(other if axis in NON_SPATIAL_AXES else next(left) for axis in volume.axes)

        units = iter(volume.units)
        return Found(
            name=volume.name,
            arrays=tuple(level.data for level in volume.levels),
            axes=volume.axes,
            scales=tuple(per_axis(level.spacing, 1.0) for level in volume.levels),
            translations=tuple(per_axis(level.translation, 0.0) for level in volume.levels),
            units=tuple(None if axis in NON_SPATIAL_AXES else next(units) for axis in volume.axes),
            source=volume.source,
            channels=volume.channels,
            affine=volume.affine,
            is_labels=volume.is_labels,
            label_names=volume.label_names,
        )


def align_levels(
    arrays: Sequence[ArrayLike], scale: Sequence[float], shift: Sequence[float]
) -> tuple[PerLevel, PerLevel]:
    """Return scale and translation of pyramid levels that all cover the extent of the finest one.

    Parameters
    ----------
    arrays : sequence of ArrayLike
        Finest level first.
    scale, shift : sequence of float
        Voxel size, and position of the first voxel's centre, of the finest level per array axis.

    Examples
    --------
    >>> import numpy as np
    >>> align_levels([np.zeros(9), np.zeros(4)], [1.5], [0.0])
    (((1.5,), (3.0,)), ((0.0,), (0.75,)))
    """
    scales, shifts = [], []
    for array in arrays:
        factors = [_factor(int(a), int(b)) for a, b in zip(arrays[0].shape, array.shape, strict=True)]
        scales.append(tuple(float(s * f) for s, f in zip(scale, factors, strict=True)))
        shifts.append(tuple(float(t + s * (f - 1) / 2) for t, s, f in zip(shift, scale, factors, strict=True)))
    return tuple(scales), tuple(shifts)


def _factor(fine: int, coarse: int) -> float:
    """Return the whole number by which an axis was downsampled, whichever way its end was rounded, else the ratio."""
    whole = max(1, round(fine / max(1, coarse)))
    return whole if coarse in {fine // whole, -(-fine // whole)} else fine / max(1, coarse)
