"""The work on meshes: what the dock asks of the core, on a thread."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_seamless._napari.surface_layer_colors import Coloring, LabelColors
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import OnEvent, Warned
from napari_seamless.engine.mesh import MeasuredSurface, MeshSettings, make_meshes, write_meshes
from napari_seamless.engine.mesh.write_made import write_made
from napari_seamless.errors import SettingsError
from napari_seamless.mesh import read_values
from napari_seamless.types import Box, Surface, Volume
from napari_seamless.volume import at, open_volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeshJob:
    """Surfaces to be made.

    Parameters
    ----------
    volume : Volume
        What they are made of.
    settings : MeshSettings
        How.
    colors : LabelColors
        Colours of labels.
    value : Coloring or None
        What is sampled at the vertices.
    """

    volume: Volume
    settings: MeshSettings
    colors: LabelColors
    value: Coloring | None = None

    def make(self, on_event: OnEvent, control: Control) -> tuple[list[MeasuredSurface], list[str], int]:
        """Make them; returns them with warnings, and how many triangles there were before any was taken away."""
        warnings: list[str] = []
        before = _Count()

        def tell(event: Any) -> None:
            if isinstance(event, Warned):
                warnings.append(event.text)
            on_event(event)

        made = make_meshes(self.volume, self.settings, refine=before, on_event=tell, control=control)
        made = colored(made, self.colors)
        if self.value is not None:
            made = valued(made, self.value, control)
        return made, warnings, before.triangles

    def write(self, path: Path, each: bool, overwrite: bool, on_event: OnEvent, control: Control) -> str:
        """Write them without holding all of them, which may not fit into the memory; returns where they are."""
        values = {} if self.value is None else {self.value.name: open_volume(self.value.layer)}
        written = write_meshes(
            self.volume,
            path,
            dataclasses.replace(self.settings, values=values),
            each=each,
            overwrite=overwrite,
            refine=lambda surface: dataclasses.replace(surface, color=self.colors([surface.label])[0]),
            on_event=on_event,
            control=control,
        )
        return f"{counted(len(written.rows))} in {written.path}"


def colored(made: Sequence[MeasuredSurface], colors: Callable[[Sequence[int]], Any]) -> list[MeasuredSurface]:
    """Return surfaces in the colours of their labels."""
    found = colors([one.surface.label for one in made])
    return [_with(one, color=color) for one, color in zip(made, found, strict=True)]


def valued(made: Sequence[MeasuredSurface], value: Coloring, control: Control) -> list[MeasuredSurface]:
    """Return surfaces with what a layer holds at their vertices, and with no other values.

    Raises
    ------
    SettingsError
        The layer has more than three axes.
    RunCancelledError
        The control cancelled the work.
    """
    volume = _single(open_volume(value.layer))

    def read(box: Box) -> np.ndarray:
        control.checkpoint()
        return np.asarray(volume.data[box.slices], np.float32)

    def sample(surface: Surface) -> np.ndarray:
        return read_values(surface, read, volume.shape, spacing=volume.spacing, translation=volume.translation)

    return [_with(one, values={value.name: sample(one.surface)}) for one in made]


def write(made: Sequence[MeasuredSurface], path: Path, each: bool, overwrite: bool, control: Control) -> str:
    """Write surfaces that are there; returns how many are where."""
    written = write_made(made, path, each=each, overwrite=overwrite, control=control)
    return f"{counted(len(made))} in {written}"


class _Count:
    """Counts triangles before simplification; called by several threads."""

    def __init__(self) -> None:
        self.triangles = 0
        self._lock = threading.Lock()

    def __call__(self, surface: Surface) -> Surface:
        with self._lock:
            self.triangles += len(surface.triangles)
        return surface


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what work returns, and its seconds."""
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def _with(one: MeasuredSurface, **changes: Any) -> MeasuredSurface:
    return dataclasses.replace(one, surface=dataclasses.replace(one.surface, **changes))


def _single(volume: Volume) -> Volume:
    """Return a volume of three axes."""
    for axis in ("t", "b", "c"):
        if axis in volume.axes and volume.shape[volume.axes.index(axis)] == 1:
            volume = at(volume, **{axis: 0})
    if len(volume.axes) != 3 or len(volume.spatial_axes) != 3:
        raise SettingsError(
            f"Colours need a layer of three axes in space, and {volume.name} has {' '.join(volume.axes)}; try another."
        )
    return volume


def counted(n: int) -> str:
    """Say how many surfaces.

    Examples
    --------
    >>> counted(1), counted(2000)
    ('1 surface', '2,000 surfaces')
    """
    return f"{n:,} {'surface' if n == 1 else 'surfaces'}"
