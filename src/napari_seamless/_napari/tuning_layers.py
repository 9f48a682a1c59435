"""The result and the seam map of a region as layers that are written slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import Colormap

from napari_seamless._napari.in_sight import to_voxels
from napari_seamless._napari.layers import Color, image_layer, labels_layer
from napari_seamless.types import Box, Volume
from napari_seamless.volume import open_volume

SEAM_LIMITS = (0.0, 0.25)
"""Deviations that the colours tell apart; probabilities cannot be further apart than 0.5."""

SEAM_COLORS = ((1.0, 0.2, 0.6, 0.0), (1.0, 0.2, 0.6, 0.5), (1.0, 0.0, 0.3, 0.75))
"""Transparent where patches agree, so that image and labels shine through."""


class RegionLayers:
    """A labels layer and an image layer over a region.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layers.
    volume : Volume
        The input; its geometry is that of the layers.
    region : Box
        Part of it, in voxels.
    names : sequence of str
        Of the labels, background first.
    colors : sequence of RGBA
        Of the labels.
    """

    def __init__(self, viewer: Any, volume: Volume, region: Box, names: Sequence[str], colors: Sequence[Color]) -> None:
        self._viewer, self.region = viewer, region
        self._labels = np.zeros(region.shape, np.uint8 if len(names) <= 256 else np.uint16)
        self._seam = np.zeros(region.shape, np.float32)
        labels = labels_layer(
            region_volume(volume, region, self._labels, f"{volume.name} tuned labels"),
            colors=colors,
            names=dict(enumerate(names)),
        )
        seam = image_layer(
            region_volume(volume, region, self._seam, f"{volume.name} seams"),
            colormap=Colormap(SEAM_COLORS, name="seams"),
            contrast_limits=SEAM_LIMITS,
            blending="translucent",
        )
        self.layers = [add_layer(viewer, layer) for layer in (labels, seam)]

    @property
    def labels(self) -> Any:
        """The labels layer."""
        return self.layers[0]

    def box_in_sight(self) -> Box | None:
        """Return the slice of the region that the viewer shows, all of it in 3D; None where it shows none of it."""
        if not is_there(self._viewer, self.labels):
            return None
        dims = self._viewer.dims
        if dims.ndisplay != 2:
            return self.region
        point = to_voxels(self._viewer, self.labels, dims.point)
        if point is None:
            return None
        skipped = dims.ndim - self.labels.ndim
        start, stop = list(self.region.start), list(self.region.stop)
        for axis in (axis - skipped for axis in dims.not_displayed if axis >= skipped):
            here = int(np.floor(point[axis] + 0.5))
            if not 0 <= here < self.region.shape[axis]:
                return None
            start[axis], stop[axis] = self.region.start[axis] + here, self.region.start[axis] + here + 1
        return Box(tuple(start), tuple(stop))

    def clear(self) -> None:
        """Forget what other settings have left; drawn with the next box."""
        self._labels.fill(0)
        self._seam.fill(0)

    def write(self, box: Box, labels: Any, seam: Any, every: int = 1) -> None:
        """Write a box of the region; each of the values stands for `every` voxels along each axis. `draw` draws it."""
        here = box.within(self.region.start).slices
        self._labels[here] = enlarged(labels, every, box.shape)
        self._seam[here] = enlarged(seam, every, box.shape)

    def draw(self) -> None:
        """Draw what was written."""
        for layer in self.layers:
            if is_there(self._viewer, layer):
                layer.refresh(thumbnail=False, highlight=False, extent=False)

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        for layer in self.layers:
            remove_layer(self._viewer, layer)


def enlarged(values: Any, every: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of a shape in which each value is repeated along each axis."""
    for axis, n in enumerate(shape if every > 1 else ()):
        values = np.repeat(values, every, axis)[(slice(None),) * axis + (slice(n),)]
    return np.asarray(values)


def region_volume(volume: Volume, region: Box, array: Any, name: str) -> Volume:
    """Return an array of a region as a volume that lies where the region does."""
    shifts = zip(volume.translation, volume.spacing, region.start, strict=True)
    return open_volume(
        array,
        axes=volume.spatial_axes,
        spacing=volume.spacing,
        units=volume.units,
        translation=[shift + spacing * start for shift, spacing, start in shifts],
        name=name,
    )


def add_layer(viewer: Any, layer_tuple: Any) -> Layer:
    """Add a layer that other parts do not take for an input, and that nobody paints into."""
    layer = Layer.create(*layer_tuple)
    layer.metadata["napari-seamless result"] = True
    layer.editable = False
    # napari describes what lies under the cursor, and fails in 3D where the cursor has not moved
    over, viewer.mouse_over_canvas = viewer.mouse_over_canvas, False
    active = viewer.layers.selection.active
    viewer.add_layer(layer)
    viewer.layers.selection.active = active
    viewer.mouse_over_canvas = over
    return layer


def remove_layer(viewer: Any, layer: Layer) -> None:
    """Take a layer out of the viewer unless a person has done so."""
    if is_there(viewer, layer):
        viewer.layers.remove(layer)


def is_there(viewer: Any, layer: Any) -> bool:
    """Return whether a viewer has a layer; one that is handed to a plugin wraps its layers."""
    return hash(layer) in map(hash, viewer.layers)
