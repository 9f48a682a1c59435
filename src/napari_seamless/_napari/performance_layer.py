"""The map of the error by the coordinate in the patch as a layer that follows its measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_seamless._napari.layers import image_layer
from napari_seamless._napari.tuning_layers import add_layer, is_there, remove_layer
from napari_seamless.types import Volume
from napari_seamless.volume import open_volume

NAME = "patch performance"
GAP = 0.05
"""Between what is shown and the map, as a part of the width of what is shown."""
_LEAST_LIMIT = 1e-6
_SPATIAL = ("z", "y", "x")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a map lies in a viewer.

    Parameters
    ----------
    axes : tuple of str
        One name per axis of the map; the first one may be ``c``.
    spacing, translation : tuple of float
        Voxel size and first voxel of each spatial axis.
    units : tuple of (str or None)
        Of each spatial axis.
    """

    axes: tuple[str, ...]
    spacing: tuple[float, ...]
    translation: tuple[float, ...]
    units: tuple[str | None, ...]

    def volume(self, values: np.ndarray) -> Volume:
        """Return a map as a volume that lies here."""
        return open_volume(
            values,
            axes=self.axes,
            spacing=self.spacing,
            units=self.units,
            translation=self.translation,
            name=NAME,
        )


class PerformanceLayer:
    """One layer for any number of maps, made with the first one, and again for a map of another shape or place.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._placement: Placement | None = None
        self.layer: Layer | None = None

    @property
    def is_there(self) -> bool:
        """Whether the viewer has the layer."""
        return self.layer is not None and is_there(self._viewer, self.layer)

    def show(self, values: np.ndarray, placement: Placement) -> None:
        r"""Show a map.

        Parameters
        ----------
        values : numpy.ndarray
            Mean errors (\*map), >= 0; NaN, where nothing was seen, is shown as 0.
        placement : Placement
            Where.
        """
        shown = np.nan_to_num(values).astype(np.float32)
        limits = (0.0, max(float(shown.max()), _LEAST_LIMIT))
        layer = self.layer
        if layer is None or not self.is_there or (layer.data.shape, self._placement) != (shown.shape, placement):
            self.remove()
            made = image_layer(placement.volume(shown), colormap="inferno", contrast_limits=limits)
            self.layer, self._placement = add_layer(self._viewer, made), placement
            return
        # limits that a person has moved stay
        if layer.contrast_limits[1] == layer.contrast_limits_range[1]:
            layer.contrast_limits_range = layer.contrast_limits = limits
        layer.data[...] = shown
        layer.refresh(thumbnail=False, highlight=False, extent=False)

    def remove(self) -> None:
        """Take the layer out of the viewer, where it is."""
        if self.layer is not None:
            remove_layer(self._viewer, self.layer)
            self.layer = None


def place_beside(viewer: Any, shape: tuple[int, ...], spacing: Sequence[float] | None) -> Placement:
    """Return a place to the right of what a viewer shows, in the slice that it shows.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers, of which the first one of at most as many axes as the map lends voxel size and units.
    shape : tuple of int
        Of the map.
    spacing : sequence of float or None
        Voxel size, one value per axis of the patch; what the map has before these axes are classes.
    """
    like = next((layer for layer in viewer.layers if layer.ndim <= len(shape)), None)
    lent = np.ones(min(len(shape), len(_SPATIAL))) if like is None else like.scale[-len(_SPATIAL) :]
    sizes = tuple(float(size) for size in (lent if spacing is None else spacing))
    n, classes = len(sizes), len(shape) - len(sizes)
    axes = (*("c" if i == 0 else f"c{i}" for i in range(classes)), *_SPATIAL[-n:])
    units = (None,) * n if like is None or like.ndim < n else tuple(str(unit) for unit in like.units[-n:])
    return Placement(axes, sizes, _beside(viewer, shape[classes:], sizes), units)


def right_of(volume: Volume, start: Sequence[int]) -> Placement:
    """Return a place to the right of a volume, in the slices that begin at a voxel of it."""
    first = [*start[:-1], round(volume.spatial_shape[-1] * (1 + GAP))]
    ends = zip(volume.translation, volume.spacing, first, strict=True)
    translation = tuple(shift + spacing * voxel for shift, spacing, voxel in ends)
    return Placement(volume.spatial_axes, volume.spacing, translation, volume.units)


def _beside(viewer: Any, shape: tuple[int, ...], sizes: tuple[float, ...]) -> tuple[float, ...]:
    """Return the first voxel of a map to the right of what a viewer shows."""
    n = len(shape)
    if not viewer.layers:
        return (0.0,) * n
    low, high = (np.asarray(ends)[-n:] for ends in viewer.layers.extent.world)
    if len(low) < n:
        return (0.0,) * n
    start, skipped = low.copy(), viewer.dims.ndim - n
    for axis in (axis - skipped for axis in viewer.dims.not_displayed if axis >= skipped):
        here = viewer.dims.point[axis + skipped]
        start[axis] = here - sizes[axis] * (shape[axis] // 2)
    start[-1] = high[-1] + GAP * (high[-1] - low[-1]) + sizes[-1]
    return tuple(map(float, start))
