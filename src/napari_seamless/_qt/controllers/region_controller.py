"""Keeps the text of the region, the rectangle in the viewer and the setting the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_seamless._napari.region_layer import RegionLayer
from napari_seamless._qt import text
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.views.region_edit import RegionEdit
from napari_seamless.errors import SeamlessError
from napari_seamless.types import Box, Volume
from napari_seamless.volume import parse_region


class RegionController:
    """Between `RegionEdit`, the rectangle in the viewer, and the setting `region`.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the rectangle as soon as somebody asks to draw.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: RegionEdit, parts: Parts) -> None:
        self._viewer, self._view = viewer, view
        self._state = parts.state
        self._rectangle: RegionLayer | None = None
        self._shape: tuple[int, ...] | None = None
        view.region_typed.connect(self._on_typed)
        view.draw_asked.connect(self.draw)
        parts.state.events.values.connect(self._show)
        parts.state.events.volume.connect(self._on_volume)
        self._show()

    def draw(self) -> None:
        """Let a person draw the region with the mouse."""
        layer, volume = self._state.layer, self._state.volume
        if layer is None or volume is None:
            self._state.say("Choose a volume first; the region is drawn on its slices.", "warning")
            return
        if self._rectangle is None or not self._rectangle.is_there:
            self.close()
            self._rectangle = RegionLayer(self._viewer, layer, volume, self._on_drawn)
            self._rectangle.show(self._box())
        self._rectangle.draw()

    def close(self) -> None:
        """Take the rectangle away."""
        if self._rectangle is not None:
            self._rectangle.close()
            self._rectangle = None

    def _on_typed(self, region: str) -> None:
        if (region or None) != self._state.values["region"]:
            self._state.change(region=region or None)

    def _on_drawn(self, drawn: Mapping[str, tuple[int, int]]) -> None:
        volume = self._state.volume
        if volume is None:
            return
        box = self._box() or Box((0,) * len(volume.spatial_shape), volume.spatial_shape)
        ends = dict(zip(volume.spatial_axes, zip(box.start, box.stop, strict=True), strict=True)) | dict(drawn)
        self._state.change(region=region_text(ends, volume))

    def _on_volume(self, volume: Volume | None) -> None:
        """Forget a region of a volume of another shape, and the rectangle that lies in another layer's voxels."""
        self.close()
        shape = None if volume is None else volume.spatial_shape
        if self._shape not in {None, shape} and self._state.values["region"] is not None:
            self._state.change(region=None)
        self._shape = shape
        self._show()

    def _box(self) -> Box | None:
        """Return the region; None for the whole volume, and where the text makes no sense."""
        region, volume = self._state.values["region"], self._state.volume
        if region is None or volume is None:
            return None
        try:
            return parse_region(region, volume)
        except SeamlessError:
            return None  # the tiling's controller says it, for it would stop the run

    def _show(self, *_: object) -> None:
        box, volume = self._box(), self._state.volume
        size = "" if box is None or volume is None else region_size(box, volume)
        self._view.show_region(self._state.values["region"] or "", size)
        if self._rectangle is not None:
            self._rectangle.show(box)


def region_text(ends: Mapping[str, tuple[int, int]], volume: Volume) -> str | None:
    """Return the region by the names of the axes that it bounds; None where it is the whole volume."""
    lengths = dict(zip(volume.spatial_axes, volume.spatial_shape, strict=True))
    named = [f"{axis}={a}:{b}" for axis, (a, b) in ends.items() if (a, b) != (0, lengths[axis])]
    return ",".join(named) or None


def region_size(box: Box, volume: Volume) -> str:
    """Return the voxels of a region along each axis, and its share of the volume."""
    share = box.size / Box((0,) * len(box.start), volume.spatial_shape).size
    return f"{text.times(box.shape)} voxels, {'below 1%' if share < 0.01 else f'{share:.0%}'} of the volume"
