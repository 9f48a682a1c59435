"""From the faces of a label to its finished surface."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.mesh.result import MeasuredSurface
from napari_seamless.errors import SettingsError
from napari_seamless.mesh import drop_small, fill_cavities, measure, read_values, simplify, smooth, weld
from napari_seamless.types import Surface
from napari_seamless.volume import at, open_volume

if TYPE_CHECKING:
    from napari_seamless.engine.mesh.settings import MeshSettings
    from napari_seamless.engine.mesh.source import Source
    from napari_seamless.types import Box, Volume

Array = np.ndarray[Any, Any]
Refine = Callable[[Surface], Surface]

_GOLDEN = 0.618033988749895


@dataclass(frozen=True, slots=True, eq=False)
class Finishing:
    """What is done to the surface of every label, in a fixed order.

    Parameters
    ----------
    source : Source
        What surfaces are made of.
    settings : MeshSettings
        What a person chose.
    values : mapping of str to Volume
        What is sampled at the vertices.
    refine : callable or None
        Takes and returns a Surface, after smoothing and before simplification.
    """

    source: Source
    settings: MeshSettings
    values: dict[str, Volume]
    refine: Refine | None = None

    @classmethod
    def of(cls, source: Source, settings: MeshSettings, refine: Refine | None = None) -> Finishing:
        """Open what is sampled.

        Raises
        ------
        SeamlessError
            It cannot be opened, or does not fit.
        """
        opened = {
            name: _single(name, open_volume(data, spacing=settings.spacing)) for name, data in settings.values.items()
        }
        return cls(source, settings, opened, refine)

    def surface(self, label: int, keys: Array, crossings: Array | None) -> MeasuredSurface | None:
        """Return the surface of a label; None where nothing of it is left."""
        if not self.settings.closed:
            kept = ~self.source.grid.at_border(keys)
            keys, crossings = keys[kept], None if crossings is None else crossings[kept]
        vertices, triangles = weld(keys, crossings, self.source.grid, self.source.spacing, self.source.translation)
        surface = Surface(
            vertices=vertices,
            triangles=triangles,
            label=label,
            name=self.source.name(label),
            color=label_color(label),
            units=self.source.volume.units,
        )
        surface = self._finished(surface)
        return None if len(surface.triangles) == 0 else MeasuredSurface(surface=surface, measures=measure(surface))

    def _finished(self, surface: Surface) -> Surface:
        settings = self.settings
        if settings.fill_cavities:
            surface = fill_cavities(surface)
        if settings.min_volume > 0:
            surface = drop_small(surface, min_volume=settings.min_volume)
        if len(surface.triangles) == 0:
            return surface
        surface = self._smoothed(surface)
        if self.refine is not None:
            surface = self.refine(surface)
        if settings.triangles is not None or settings.max_error is not None:
            surface = simplify(surface, triangles=settings.triangles, max_error=settings.max_error)
        return self._valued(surface)

    def _smoothed(self, surface: Surface) -> Surface:
        iterations = self.settings.smoothing_of(self.source.kind)
        if iterations == 0:
            return surface
        named = {} if iterations is None else {"iterations": iterations}
        return smooth(surface, spacing=self.source.volume.spacing, **named)

    def _valued(self, surface: Surface) -> Surface:
        values = {name: _sampled(surface, volume) for name, volume in self.values.items()}
        return replace(surface, values={**surface.values, **values}) if values else surface


def label_color(label: int) -> tuple[int, int, int, int]:
    """Return a colour for a label, RGBA in 0..255; neighbouring numbers differ clearly.

    Examples
    --------
    >>> label_color(1) != label_color(2)
    True
    """
    red, green, blue = colorsys.hsv_to_rgb(label * _GOLDEN % 1.0, 0.55 + 0.2 * (label % 3) / 2, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue), 255


def _single(name: str, volume: Volume) -> Volume:
    """Return a volume without axes that are not spatial."""
    for axis in ("t", "b", "c"):
        if axis in volume.axes:
            if volume.shape[volume.axes.index(axis)] > 1:
                raise SettingsError(f"The values {name!r} have several positions along {axis}; give one of them.")
            volume = at(volume, **{axis: 0})
    if len(volume.axes) != 3:
        raise SettingsError(f"The values {name!r} must have three axes, got {volume.axes}.")
    return volume


def _sampled(surface: Surface, volume: Volume) -> Array:
    def read(box: Box) -> Array:
        return np.asarray(volume.data[box.slices], np.float32)

    return read_values(surface, read, volume.shape, spacing=volume.spacing, translation=volume.translation)
