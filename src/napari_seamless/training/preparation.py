"""Check everything that a training needs, and read what must be known of the volumes before the first step."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.engine.device import choose_devices
from napari_seamless.errors import SettingsError
from napari_seamless.training.candidates import highest_label
from napari_seamless.training.dataset import TrainingPatches
from napari_seamless.training.distances import with_distances
from napari_seamless.training.events import OnTrainingEvent, Preparing
from napari_seamless.training.losses import make_loss
from napari_seamless.training.network import build_unet, describe
from napari_seamless.training.pair import TrainingPair, cache_share, open_pair, same_spacing
from napari_seamless.training.step import StepSettings, TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    import torch

    from napari_seamless.engine import Control
    from napari_seamless.training.settings import TrainingSettings
    from napari_seamless.types import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """All that a training works with.

    Parameters
    ----------
    settings : TrainingSettings
        What was chosen.
    patches : TrainingPatches
        What the network learns from.
    validation : tuple of TrainingPair
        What it is judged by.
    step : TrainingStep
        Network, loss and optimiser.
    spec : ModelSpec
        What the network file will say.
    """

    settings: TrainingSettings
    patches: TrainingPatches
    validation: tuple[TrainingPair, ...]
    step: TrainingStep
    spec: ModelSpec

    @property
    def shapes(self) -> list[list[int]]:
        """Voxels of the training volumes, which tell a resumed training that it has others."""
        return [list(pair.labels.shape) for pair in self.patches.pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a training writes.

    Parameters
    ----------
    output : pathlib.Path
        The network file.
    resume : bool
        Whether an earlier training goes on.
    """

    output: Path
    resume: bool = False

    @property
    def folder(self) -> Path:
        """Folder of the checkpoint and of what is computed on the way."""
        return self.output.with_name(f"{self.output.name}.training")

    @property
    def checkpoint(self) -> Path:
        """File that a training goes on from."""
        return self.folder / "checkpoint.pt"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """What was asked for.

    Parameters
    ----------
    pairs, validation : sequence of tuple or TrainingPair
        Volumes, or what `open_volume` takes; no validation takes the pairs.
    settings : TrainingSettings
        How to train.
    network : torch.nn.Module or None
        None builds a U-Net.
    """

    pairs: Sequence[tuple[Any, ...] | TrainingPair]
    validation: Sequence[tuple[Any, ...] | TrainingPair]
    settings: TrainingSettings
    network: torch.nn.Module | None = None


def prepare_training(request: Request, place: Place, on_event: OnTrainingEvent, control: Control) -> Task:
    """Open the volumes, find their classes, and build what trains.

    Raises
    ------
    SeamlessError
        Something does not fit; the text says what to change.
    """
    settings = request.settings
    pairs = _open(request.pairs, settings)
    if not pairs:
        raise SettingsError("There must be at least one image with labels to train on, got none.")
    judged = _open(request.validation, settings) or pairs
    device = choose_devices(settings.device)[0]
    loss = make_loss(settings.loss, settings.loss_classes)
    classes = _class_names(pairs, settings, _telling(on_event, control, "counting classes"))
    network = request.network or build_unet(pairs[0], len(classes), settings)
    spec = describe(network, pairs[0].image, classes, settings, place.output.stem)
    drawn = settings.patches(len(pairs[0].labels.shape))
    patches = TrainingPatches(pairs, len(classes), drawn, _telling(on_event, control, "reading volumes"))
    if loss.needs_distances:  # last, for it writes, and takes long
        told = _telling(on_event, control, "computing distance maps")
        labels = settings.loss_classes or tuple(range(1, len(classes)))
        patches = patches.with_distances(with_distances(pairs, labels, place, told, control))
    chosen = StepSettings(
        learning_rate=settings.learning_rate, weight_decay=settings.weight_decay, precision=settings.precision
    )
    step = TrainingStep(network, loss, chosen, device)
    return Task(settings=settings, patches=patches, validation=judged, step=step, spec=spec)


def _open(given: Sequence[tuple[Any, ...] | TrainingPair], settings: TrainingSettings) -> tuple[TrainingPair, ...]:
    each = cache_share(len(given))
    pairs = tuple(
        pair
        if isinstance(pair, TrainingPair)
        else open_pair(*pair, ignore_label=settings.ignore_label, cache_bytes=each)
        for pair in given
    )
    for pair in pairs[1:]:
        if len(pair.spacing) == len(pairs[0].spacing) and not same_spacing(pair.spacing, pairs[0].spacing):
            warnings.warn(
                f"{pair.image.name} has a spacing of {_times(pair.spacing)}, {pairs[0].image.name} one of "
                f"{_times(pairs[0].spacing)}; a network sees voxels and no lengths, so resample one of them.",
                stacklevel=4,
            )
    return pairs


def _class_names(
    pairs: tuple[TrainingPair, ...], settings: TrainingSettings, on_block: Callable[[int, int], None]
) -> tuple[str, ...]:
    """Return the names that are given, those that the labels have, or numbers."""
    if settings.classes is not None:
        return settings.classes
    names = pairs[0].labels.volume.label_names
    if len(names) > 1 and sorted(names) == list(range(len(names))):
        return tuple(names[label] for label in range(len(names)))
    highest = max(highest_label(pair.labels, on_block) for pair in pairs)
    if highest < 1:
        raise SettingsError("The labels hold no class beside the background; give labels with at least two classes.")
    return ("background", *(f"class {label}" for label in range(1, highest + 1)))


def _telling(on_event: OnTrainingEvent, control: Control, what: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        control.checkpoint()
        on_event(Preparing(what, done, total))

    return tell


def _times(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:g}" for value in values)
