"""Distance maps of whole volumes, computed once before a training."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

from napari_seamless.training.pair import cache_share
from napari_seamless.volume import cached, open_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.engine import Control
    from napari_seamless.engine.events import Event
    from napari_seamless.training.pair import TrainingPair
    from napari_seamless.training.preparation import Place


def with_distances(
    pairs: tuple[TrainingPair, ...],
    classes: tuple[int, ...],
    place: Place,
    on_step: Callable[[int, int], None],
    control: Control,
) -> tuple[TrainingPair, ...]:
    """Return pairs with signed distance maps; those that have maps stay as they are.

    Distances are in units of the finest axis, so that the weight of the boundary loss does not depend on whether a
    spacing is written in micrometres or millimetres; in the convention of the published loss. A voxel that does not
    count is outside every class.

    Parameters
    ----------
    pairs : tuple of TrainingPair
        Images and labels.
    classes : tuple of int
        Label of each map.
    place : Place
        The maps are written into its folder; a training that is resumed takes those that are there.
    on_step, control
        Told of steps done and steps in all; cancels.
    """
    found = (
        pair if pair.distances is not None else _measured(pair, classes, place, i, (on_step, control))
        for i, pair in enumerate(pairs)
    )
    share = cache_share(len(pairs))
    return tuple(
        dataclasses.replace(pair, distances=pair.distances and cached(pair.distances, share)) for pair in found
    )


def _measured(
    pair: TrainingPair,
    classes: tuple[int, ...],
    place: Place,
    number: int,
    watch: tuple[Callable[[int, int], None], Control],
) -> TrainingPair:
    from napari_seamless.engine.distance import DistanceSettings, write_distance_map
    from napari_seamless.engine.events import Progress, Warned

    on_step, control = watch

    def tell(event: Event) -> None:
        if isinstance(event, Progress):
            on_step(event.done, event.total)
        elif isinstance(event, Warned):
            warnings.warn(f"{pair.labels.volume.name}: {event.text}", stacklevel=2)

    path = place.folder / f"distance-{number}.ome.zarr"
    if not (place.resume and path.exists()):
        place.folder.mkdir(parents=True, exist_ok=True)
        relative = tuple(s / min(pair.spacing) for s in pair.spacing)
        settings = DistanceSettings(spacing=relative, classes=classes)
        write_distance_map(pair.labels.volume, path, settings, overwrite=True, on_event=tell, control=control)
    return dataclasses.replace(pair, distances=open_volume(path))
