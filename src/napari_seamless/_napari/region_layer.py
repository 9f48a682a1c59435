"""A rectangle in the viewer that is the cut through a region of a volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QTimer

from napari_seamless._napari.in_sight import to_voxels
from napari_seamless.types import NON_SPATIAL_AXES, Box, Volume

NAME = "region"
COLOR = "#ff4fa3"
Intervals = Mapping[str, tuple[int, int]]


class RegionLayer:
    """Shows the cut through a region on every slice that it reaches, and tells of rectangles that a person draws.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    image : napari.layers.Layer
        Shows the volume; the rectangle lies in its voxels.
    volume : Volume
        Its axes are those of the image.
    on_drawn : callable
        Called with the first voxel and the voxel after the last one along each displayed axis, by name.
    """

    def __init__(self, viewer: Any, image: Any, volume: Volume, on_drawn: Callable[[Intervals], None]) -> None:
        self._viewer, self._image, self._on_drawn = viewer, image, on_drawn
        self._axes, self._lengths = volume.axes[: image.ndim], volume.shape
        self._spatial = [axis for axis, name in enumerate(self._axes) if name not in NON_SPATIAL_AXES]
        self._region: dict[int, tuple[int, int]] | None = None
        transform = {name: getattr(image, name) for name in ("scale", "translate", "rotate", "shear", "affine")}
        names = {"units": image.units, "axis_labels": image.axis_labels, "name": NAME}
        longest = max(volume.spatial_shape)
        self.layer = Shapes(
            ndim=image.ndim, edge_color=COLOR, face_color="transparent", edge_width=longest / 150, **transform, **names
        )
        # in 3D nobody can draw, and napari fails at a new layer under a resting cursor
        viewer.dims.ndisplay = 2
        viewer.add_layer(self.layer)
        self.layer.events.data.connect(self._on_data)
        viewer.dims.events.point.connect(self._draw)
        viewer.dims.events.order.connect(self._draw)

    @property
    def is_there(self) -> bool:
        """Whether the layer is still in the viewer."""
        return hash(self.layer) in map(hash, self._viewer.layers)

    def draw(self) -> None:
        """Let a person draw with the mouse, in 2D."""
        self._viewer.dims.ndisplay = 2
        self._viewer.layers.selection.active = self.layer
        self.layer.mode = "add_rectangle"

    def show(self, region: Box | None) -> None:
        """Show the cut through a region, or nothing."""
        ends = None if region is None else zip(region.start, region.stop, strict=True)
        self._region = None if ends is None else dict(zip(self._spatial, ends, strict=True))
        self._draw()

    def close(self) -> None:
        """Stop listening; a layer that is still there goes."""
        self.layer.events.data.disconnect(self._on_data)
        self._viewer.dims.events.point.disconnect(self._draw)
        self._viewer.dims.events.order.disconnect(self._draw)
        if self.is_there:
            self._viewer.layers.remove(self.layer)

    def _on_data(self, event: Any) -> None:
        """Hear of a rectangle that was drawn, moved or resized; what is drawn here blocks this event."""
        if event.action.value in {"added", "changed", "removed"}:
            # napari is still in the middle of the mouse's work on the layer
            QTimer.singleShot(0, self._take)

    def _take(self) -> None:
        """Take the last rectangle; where it was deleted, or lies beside the region, the sliced axes are whole again."""
        if not self.is_there:
            return
        here, shapes = self._here(), self.layer.data
        whole = self._spatial if not len(shapes) else [] if here is None else self._missed(here)
        drawn = {self._axes[axis]: (0, self._lengths[axis]) for axis in whole}
        if len(shapes):
            corners = np.asarray(shapes[-1])
            axes = [axis for axis in self._displayed() if axis in self._spatial]
            drawn |= {self._axes[axis]: _interval(corners[:, axis], self._lengths[axis]) for axis in axes}
        self.layer.mode = "pan_zoom"
        self._viewer.layers.selection.active = self._image
        self._on_drawn(drawn)
        self._draw()

    def _here(self) -> np.ndarray | None:
        """Return the voxel at the sliders."""
        point = to_voxels(self._viewer, self.layer, self._viewer.dims.point)
        return None if point is None else np.floor(point + 0.5)

    def _missed(self, here: np.ndarray) -> list[int]:
        """Return the axes along which the slice in sight lies beside the region."""
        ends, displayed = self._region or {}, self._displayed()
        return [axis for axis, (a, b) in ends.items() if axis not in displayed and not a <= here[axis] < b]

    def _displayed(self) -> list[int]:
        """Return the axes of the layer that the canvas shows, from top to bottom and from left to right."""
        skipped = self._viewer.dims.ndim - self.layer.ndim
        return [axis - skipped for axis in self._viewer.dims.displayed if axis >= skipped]

    def _draw(self, *_: object) -> None:
        """Draw the cut through the region on the slice in sight."""
        if not self.is_there or self._viewer.dims.ndisplay != 2 or self.layer.mode == "add_rectangle":
            return
        corners = self._cut()
        with self.layer.events.data.blocker():
            self.layer.data = [] if corners is None else [corners]

    def _cut(self) -> np.ndarray | None:
        """Return the corners (4, axis) of the cut in voxels; None where the slice does not meet the region."""
        displayed = self._displayed()
        if self._region is None or len(displayed) != 2:
            return None
        ends = self._region
        here = self._here()
        if here is None or self._missed(here):
            return None
        corners = np.tile(here, (4, 1))
        (top, bottom), (left, right) = (ends.get(axis, (0, self._lengths[axis])) for axis in displayed)
        corners[:, displayed] = np.array([(top, left), (top, right), (bottom, right), (bottom, left)]) - 0.5
        return corners


def _interval(coordinates: np.ndarray, length: int) -> tuple[int, int]:
    """Return the voxels between two coordinates, at least one; voxel 0 reaches from -0.5 to 0.5."""
    borders = np.rint(np.array([coordinates.min(), coordinates.max()]) + 0.5)
    start, stop = (int(border) for border in np.clip(borders, 0, length))
    start = min(start, length - 1)
    return start, max(stop, start + 1)
