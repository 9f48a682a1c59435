"""The grid of patches over a region, the zones where patches overlap, and the patch under the cursor."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from napari.utils.colormaps import Colormap

from napari_seamless._napari.in_sight import to_voxels
from napari_seamless._napari.layers import image_layer
from napari_seamless._napari.tuning_layers import add_layer, is_there, region_volume, remove_layer
from napari_seamless.types import Box, Plan, Volume

LINE, PATCH = "#3d9be9", "#ff4fa3"
"""Colours that differ from each other and from grey in light and dark themes."""
ZONE_LIMITS = (0.0, 9.0)
"""Powers of two of the number of patches: 64 patches, as at an overlap of 0.75 in 3D, are 6."""
ZONE_COLORS = ((0.24, 0.6, 0.91, 0.0), (0.24, 0.6, 0.91, 0.6))
"""So that even where many patches overlap the image shines through."""


class PatchGrid:
    """Lines and a shade over a region; lines are vectors, which are redrawn quickly.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layers.
    volume : Volume
        The input.
    region : Box
        Where patches are drawn, in voxels.
    """

    def __init__(self, viewer: Any, volume: Volume, region: Box) -> None:
        self._viewer, self._region = viewer, region
        self._plan: Plan | None = None
        self._zones = np.zeros(region.shape, np.float32)
        area = region_volume(volume, region, self._zones, "patch overlap")
        shade = image_layer(
            area, colormap=Colormap(ZONE_COLORS, name="overlap"), contrast_limits=ZONE_LIMITS, blending="translucent"
        )
        self.zones = add_layer(viewer, shade)
        thick = max(region.shape) / 250
        self.lines = self._vectors("patch grid", LINE, thick)
        self.patch = self._vectors("patch under cursor", PATCH, 2.5 * thick)
        self._events = [viewer.dims.events.point, viewer.dims.events.order, viewer.dims.events.ndisplay]
        for event in self._events:
            event.connect(self._draw)
        viewer.mouse_move_callbacks.append(self._on_move)

    def show(self, plan: Plan) -> None:
        """Draw the patches of a plan that touch the region."""
        self._plan = plan
        counts = [np.zeros(n, np.float32) for n in self._region.shape]
        for count, (intervals, first) in zip(counts, self._along(), strict=True):
            for a, b in intervals:
                count[max(0, a - first) : max(0, b - first)] += 1
        product = counts[0]
        for count in counts[1:]:
            product = np.multiply.outer(product, count)
        # doubling the patches makes the shade one step stronger
        self._zones[...] = np.log2(np.maximum(product, 1))
        if is_there(self._viewer, self.zones):
            self.zones.refresh(thumbnail=False, highlight=False, extent=False)
        self._draw()
        self._highlight(None)

    def patch_at(self, voxel: tuple[int, ...]) -> Box | None:
        """Return the patch with the nearest centre among those that hold a voxel of the region."""
        if self._plan is None or any(
            not a <= v < b for v, a, b in zip(voxel, self._region.start, self._region.stop, strict=True)
        ):
            return None
        ends = []
        for grid, v in zip(self._plan.grids, voxel, strict=True):
            holding = [grid.interval(i) for i in grid.touching(v, v + 1)]
            if not holding:
                return None
            ends.append(min(holding, key=lambda interval: abs(sum(interval) / 2 - 0.5 - v)))
        return Box(tuple(a for a, _ in ends), tuple(b for _, b in ends))

    def close(self) -> None:
        """Take everything away."""
        for event in self._events:
            event.disconnect(self._draw)
        if self._on_move in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_move)
        for layer in (self.zones, self.lines, self.patch):
            remove_layer(self._viewer, layer)

    def _vectors(self, name: str, color: str, width: float) -> Any:
        like = self.zones
        arguments = {
            "name": name,
            "edge_color": color,
            "edge_width": width,
            "vector_style": "line",
            "ndim": like.ndim,
            "opacity": 0.9,
            "scale": like.scale,
            # lines lie in voxels of the whole volume
            "translate": like.translate - like.scale * np.asarray(self._region.start),
            "units": like.units,
            "axis_labels": like.axis_labels,
        }
        return add_layer(self._viewer, (np.zeros((0, 2, like.ndim)), arguments, "vectors"))

    def _along(self) -> list[tuple[list[tuple[int, int]], int]]:
        """Return for each axis the intervals of the patches that touch the region, and the region's first voxel."""
        plan = self._plan
        if plan is None:
            return []
        ends = zip(plan.grids, self._region.start, self._region.stop, strict=True)
        return [([grid.interval(i) for i in grid.touching(a, b)], a) for grid, a, b in ends]

    def _draw(self, *_: object) -> None:
        if not is_there(self._viewer, self.lines) or self._plan is None:
            return
        edges = [sorted({edge for interval in along for edge in interval}) for along, _ in self._along()]
        self.lines.data = self._segments(edges)

    def _segments(self, edges: list[list[int]]) -> np.ndarray:
        """Return lines (line, 2, axis) along each displayed axis through every edge along the other ones."""
        displayed, here = self._displayed(), self._here()
        sliced = [axis for axis in range(len(edges)) if axis not in displayed]
        if any(not edges[axis][0] <= here[axis] < edges[axis][-1] for axis in sliced):
            return np.zeros((0, 2, len(edges)))
        lines = []
        for axis in displayed:
            others = [other for other in displayed if other != axis]
            for at in itertools.product(*[edges[other] for other in others]):
                start, way = here.copy(), np.zeros(len(edges))
                for other, edge in zip(others, at, strict=True):
                    start[other] = edge - 0.5
                start[axis], way[axis] = edges[axis][0] - 0.5, edges[axis][-1] - edges[axis][0]
                lines.append((start, way))
        return np.array(lines)

    def _on_move(self, _: Any, event: Any) -> None:
        if not is_there(self._viewer, self.patch):
            return
        voxel = None
        if self._viewer.dims.ndisplay == 2:
            voxel = to_voxels(self._viewer, self.lines, event.position)
        self._highlight(None if voxel is None else self.patch_at(tuple(int(v) for v in np.floor(voxel + 0.5))))

    def _highlight(self, box: Box | None) -> None:
        if not is_there(self._viewer, self.patch):
            return
        if box is not None:
            self.patch.data = self._segments([list(ends) for ends in zip(box.start, box.stop, strict=True)])
        elif len(self.patch.data):
            self.patch.data = np.zeros((0, 2, len(self._region.shape)))

    def _displayed(self) -> list[int]:
        skipped = self._viewer.dims.ndim - self.lines.ndim
        return [axis - skipped for axis in self._viewer.dims.displayed if axis >= skipped]

    def _here(self) -> np.ndarray:
        point = to_voxels(self._viewer, self.lines, self._viewer.dims.point)
        return np.zeros(self.lines.ndim) if point is None else np.floor(point + 0.5)
