"""What belongs together while somebody corrects a network on a volume; nothing of Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_seamless.engine import Segmentation
from napari_seamless.engine.classes import class_colors, class_names
from napari_seamless.errors import ModelError, StorageError
from napari_seamless.patches import PatchReader, Statistics
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.history import History
from napari_seamless.training.painted_dice import painted_dice
from napari_seamless.training.painting import Painting, corrections_folder
from napari_seamless.training.preview import preview
from napari_seamless.training.refine_batches import patch_size
from napari_seamless.training.refine_settings import RefineSettings
from napari_seamless.training.refining import Refiner
from napari_seamless.types import Box, Model, ModelSpec, Volume

Color = tuple[int, int, int, int]

BACKGROUND_COLOR = (0, 114, 178, 255)
"""The background is transparent in a result, but a person who paints it must see it."""
_PROBE = 32
SCRATCH_PATCH = 48
"""Voxels along each axis of a patch that is learnt from, where the network does not name a size of its own."""
LARGEST_PATCH = 64
"""Voxels along each axis of a patch, at most: smaller ones show a network too little around a voxel, and an update with
larger ones takes too long on a CPU."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A volume, a network that is corrected, what is painted, and the states of the network.

    Parameters
    ----------
    volume, model : Volume, Model
        The input, and the network as it was given.
    channel : int or None
        The only channel that is used.
    classes : tuple of str
        Names, background first.
    colors : tuple of RGBA
        Of the classes, all of them visible.
    painting, refiner
        See there.
    history : History
        That of the refiner.
    n_found : int
        Painted voxels that were there already.
    """

    volume: Volume
    model: Model
    channel: int | None
    classes: tuple[str, ...]
    colors: tuple[Color, ...]
    painting: Painting
    refiner: Refiner
    history: History
    n_found: int

    @property
    def is_untrained(self) -> bool:
        """Whether the network has learnt nothing yet."""
        state = self.refiner.state
        return self.refiner.spec.name == SCRATCH and (state is None or state.number == 0)

    def preview(self, box: Box, control: Any) -> Segmentation:
        """Segment a box by the network as it is now; on a thread."""
        return preview(
            self.volume,
            self.refiner.network(),
            self.statistics(control),
            box,
            patch_size=self.preview_patch,
            channel=self.channel,
            control=control,
        )

    def statistics(self, control: Any) -> Statistics:
        """Return what normalises the volume, measured where it is not known; on a thread."""
        return self.refiner.statistics(self.channel, lambda *_: control.checkpoint())

    def painted_dice(self, control: Any) -> float | None:
        """Return how well the network as it is now agrees with what is painted; on a thread."""
        if not self.painting.n_painted:
            return None
        statistics = self.statistics(control)
        normalization = self.refiner.spec.normalization
        reader = PatchReader(self.volume, channel=self.channel, normalization=normalization, statistics=statistics)
        return painted_dice(self.refiner.network(), reader, self.painting, self.learning_patch)

    @property
    def preview_patch(self) -> tuple[int, ...]:
        """Voxels of a patch of the preview along each axis."""
        return self._patch(LARGEST_PATCH)

    @property
    def learning_patch(self) -> tuple[int, ...]:
        """Voxels of a patch that is learnt from along each axis, where it is not chosen."""
        return self._patch(SCRATCH_PATCH if self.refiner.spec.patch_size is None else LARGEST_PATCH)

    def _patch(self, most: int) -> tuple[int, ...]:
        spec, shape = self.refiner.spec, self.volume.spatial_shape
        own = spec.patch_size or (most,)
        own = own * len(shape) if len(own) == 1 else own
        # a divisor that is larger than what is wanted wins
        divisor = spec.divisor if len(spec.divisor) == len(shape) else spec.divisor[:1] * len(shape)
        wanted = tuple(max(d, min(n, most)) for n, d in zip(own, divisor, strict=True))
        return patch_size(RefineSettings(patch_size=wanted), spec, shape)


SCRATCH = "scribbles"
"""Name of the network that starts from nothing."""


def open_session(
    volume: Volume, model: Any, folder: Path, channel: int | None, on_error: Callable[[StorageError], None]
) -> Session:
    """Open or make the corrections of a volume, and the states of a network; on a thread.

    Parameters
    ----------
    volume, model
        What is corrected on, and what.
    folder : pathlib.Path
        Where corrections are kept; the states of each network lie beside it.
    channel : int or None
        The only channel that is used.
    on_error : callable
        See `Painting`.

    Raises
    ------
    SeamlessError
        Something does not fit, or cannot be written.
    """
    classes = _classes(volume, model, channel)
    painting = Painting(folder, Canvas.of(volume, classes), on_error=on_error)
    try:
        n_found = sum(painting.n_painted.values())
        history = History(states_folder(folder, model.spec))
        refiner = Refiner(volume, model, painting, history=history)
        if refiner.state is None:
            refiner.go_back(history.states()[-1].number)
    except BaseException:
        painting.close()
        raise
    first, *others = class_colors(model.spec, classes)
    colors = (first if first[3] else BACKGROUND_COLOR, *others)
    return Session(volume, model, channel, classes, colors, painting, refiner, history, n_found)


def default_folder(volume: Volume) -> Path:
    """Return where corrections of a volume belong: beside it, or in the home folder where it has no path here."""
    source = volume.source
    if source and "://" not in source and Path(source).exists():
        return corrections_folder(source)
    name = "".join(c if c.isalnum() or c in " -_." else "_" for c in volume.name).strip(" .") or "volume"
    return corrections_folder(Path.home() / "napari-seamless" / name)


def states_folder(folder: Path, spec: ModelSpec) -> Path:
    """Return where the states of a network lie, beside the corrections: each network has its own."""
    name = folder.name.removesuffix(".zarr").removesuffix(".corrections")
    network = "".join(c if c.isalnum() or c in "-_" else "_" for c in spec.name)
    return folder.with_name(f"{name}.states") / f"{network}-{(spec.sha256 or 'unknown')[:8]}"


def _classes(volume: Volume, model: Any, channel: int | None) -> tuple[str, ...]:
    """Return the names of the classes; a network that does not say how many there are is asked."""
    spec = model.spec
    n = spec.out_channels or len(spec.classes)
    if not n:
        channels = 1 if channel is not None else volume.n_channels
        size = [-(-_PROBE // d) * d for d in spec.divisor]
        size = size * len(volume.spatial_axes) if len(size) == 1 else size
        try:
            with torch.inference_mode():
                n = int(model(torch.zeros(1, channels, *size)).shape[1])
        except (RuntimeError, IndexError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"The network {spec.name} fails on a patch of {volume.name}: {reason}.") from error
    return class_names(spec, n, labels=True)
