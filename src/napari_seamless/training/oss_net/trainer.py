"""`train_occupancy`: from volumes and labels to an occupancy network in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.engine import Control
from napari_seamless.engine.device import choose_devices
from napari_seamless.errors import OutputExistsError, SettingsError
from napari_seamless.training.checkpoint import load_checkpoint
from napari_seamless.training.events import EpochDone, OnTrainingEvent, Preparing, ignore_training_event
from napari_seamless.training.oss_net.loop import OccupancyLoop, OccupancyTask
from napari_seamless.training.oss_net.output import fill_trainee
from napari_seamless.training.oss_net.parts import VolumePart, open_parts, split
from napari_seamless.training.oss_net.samples import OccupancySamples, PartReader, measure
from napari_seamless.training.oss_net.settings import RESIDUAL_UNET, OccupancyTrainingSettings
from napari_seamless.training.oss_net.step import OccupancyStep
from napari_seamless.training.oss_net.trainees import build_trainee
from napari_seamless.training.preparation import Place

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from napari_seamless.training.oss_net.evaluation import Evaluation
    from napari_seamless.training.oss_net.trainees import Trainee


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OccupancyTrained:
    """What a training of occupancies leaves.

    Parameters
    ----------
    path : pathlib.Path
        The network file.
    trainee : Trainee
        The network of the best evaluation, and the size of its crops.
    epochs : tuple of EpochDone
        What each epoch brought.
    evaluation : Evaluation
        Scores and errors by distance of that network on what was held out.
    setting : str
        Name of its setting.
    example : torch.Tensor
        (channel, z, y, x): a crop of what was held out, with its halo.
    """

    path: Path
    trainee: Trainee
    epochs: tuple[EpochDone, ...]
    evaluation: Evaluation
    setting: str
    example: torch.Tensor

    @property
    def best(self) -> EpochDone:
        """The epoch whose network is in the file."""
        return next(epoch for epoch in reversed(self.epochs) if epoch.is_best)


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancyData:
    """What is learned from.

    Parameters
    ----------
    pairs : sequence of (image, labels)
        What `open_volume` takes, three spatial axes.
    validation : sequence of (image, labels)
        What the network is judged by; empty: a part of each volume that is not trained on.
    borders : sequence
        Border maps of the labels of `pairs`, as `write_border_map` makes them; empty: made on the fly, by crop.
    weights : path or None
        Network file to begin with.
    """

    pairs: Sequence[tuple[Any, Any]]
    validation: Sequence[tuple[Any, Any]] = field(default=())
    borders: Sequence[Any] = field(default=())
    weights: str | os.PathLike[str] | None = None


def train_occupancy(  # noqa: PLR0913  what, where to, how, and who listens, by name
    data: OccupancyData,
    output: str | os.PathLike[str],
    settings: OccupancyTrainingSettings | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    on_event: OnTrainingEvent = ignore_training_event,
    control: Control | None = None,
) -> OccupancyTrained:
    """Train an occupancy network, or the residual U-Net that it is compared with, on volumes and labels.

    After each epoch a checkpoint and a table of all epochs go into the folder ``OUTPUT.training``; a training that is
    resumed ends with the weights of one that never stopped, on a CPU bit by bit.

    Parameters
    ----------
    data : OccupancyData
        Volumes, labels, and what else there is.
    output : path
        The network file: safetensors, or TorchScript for a residual U-Net.
    settings : OccupancyTrainingSettings
        How to train.
    overwrite : bool
        Replace a network file, and forget an unfinished training.
    resume : bool
        Go on from the checkpoint.
    on_event : callable
        Told of `Preparing`, `StepDone` and `EpochDone`, in the caller's thread.
    control : Control or None
        Cancels and pauses between two steps.

    Raises
    ------
    RunCancelledError
        The control cancelled it; the best network so far and the last checkpoint stay.
    SeamlessError
        Something does not fit; the text says what to do.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> labels = np.zeros((16, 16, 32), np.uint8)
    >>> labels[4:12, 4:12, 4:28] = 1
    >>> settings = OccupancyTrainingSettings(
    ...     setting="vanilla_o_net", crop=16, encoder_channels=(4, 8), width=8, decoder_blocks=1, epochs=1,
    ...     samples_per_epoch=2, batch_size=2, coordinates=32, device="cpu",
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trained = train_occupancy(
    ...         OccupancyData(pairs=[(labels.astype(np.float32), labels)]), Path(folder) / "net.safetensors", settings
    ...     )
    >>> trained.trainee.size, len(trained.epochs)
    ((16, 16, 16), 1)
    """
    chosen, control = settings or OccupancyTrainingSettings(), control or Control()
    place = Place(output=Path(output), resume=resume)
    state = _check_place(place, chosen, overwrite=overwrite)
    loop = OccupancyLoop(_prepare(data, chosen, on_event, control), place, on_event, control)
    loop.run(state)
    evaluation = loop.finish()
    trainee, judged = loop.task.step.trainee, loop.task.judged[0]
    boxes = [box for box, _ in judged.part.crops(trainee.size)]
    return OccupancyTrained(
        path=place.output,
        trainee=trainee,
        epochs=tuple(loop.epochs),
        evaluation=evaluation,
        setting=chosen.setting,
        example=torch.from_numpy(judged.read(boxes[len(boxes) // 2], with_border=False).voxels),
    )


def _prepare(
    data: OccupancyData, settings: OccupancyTrainingSettings, on_event: OnTrainingEvent, control: Control
) -> OccupancyTask:
    """Open and measure the volumes, and build what trains."""
    if not data.pairs:
        raise SettingsError("There must be at least one image with labels to train on, got none.")
    if data.borders and len(data.borders) != len(data.pairs):
        raise SettingsError(
            f"There must be a border map for each of {len(data.pairs)} volumes or none at all, got {len(data.borders)}."
        )
    device = choose_devices(settings.device)[0]
    whole = open_parts(data.pairs, data.borders, settings)
    kept, held = whole, open_parts(data.validation, (), settings)
    if not held:
        kept, held = split(whole, settings)
    extents = [max(part.box.shape[axis] for part in kept) for axis in range(3)]
    trainee = build_trainee(settings, whole[0].image.n_channels, extents)
    if data.weights is not None:
        fill_trainee(trainee, Path(data.weights))
    readers, judged = _readers(kept, held, settings.classes, _telling(on_event, control))
    samples = OccupancySamples(readers, trainee.size, trainee.grid, settings)
    return OccupancyTask(
        settings=settings, samples=samples, judged=judged, step=OccupancyStep(trainee, settings, device)
    )


def _readers(
    kept: Sequence[VolumePart], held: Sequence[VolumePart], classes: int, told: Any
) -> tuple[list[PartReader], list[PartReader]]:
    """Measure each image once."""
    measured = {id(part.image): part.image for part in (*kept, *held)}
    statistics = {key: measure(image, told) for key, image in measured.items()}
    first, second = ([PartReader(p, classes, statistics[id(p.image)]) for p in parts] for parts in (kept, held))
    return first, second


def _telling(on_event: OnTrainingEvent, control: Control) -> Any:
    def told(done: int, total: int) -> None:
        control.checkpoint()
        on_event(Preparing("measuring images", done, total))

    return told


def _check_place(place: Place, settings: OccupancyTrainingSettings, *, overwrite: bool) -> dict[str, Any] | None:
    """Return the checkpoint to resume from; refuse to overwrite what nobody said may go."""
    is_unet = settings.setting == RESIDUAL_UNET
    wanted = ".pt" if is_unet else ".safetensors"
    if place.output.suffix != wanted:
        raise SettingsError(f"The output {place.output} must end in {wanted} for {settings.setting}; rename it.")
    if place.resume:
        state = load_checkpoint(place.checkpoint)
        differences = settings.differences(OccupancyTrainingSettings(**json.loads(state["settings"])))
        if differences:
            raise SettingsError(
                f"The training in {place.folder} was begun with another {differences[0]}; resume it with the same "
                "settings, or start anew."
            )
        return state
    for path, what in ((place.output, "network"), (place.checkpoint, "training")):
        if path.exists() and not overwrite:
            raise OutputExistsError(f"There is a {what} in {path} already; choose to resume or to overwrite it.")
    if place.output.is_dir() or not place.output.absolute().parent.is_dir():
        raise SettingsError(f"The output {place.output} must be the path of a file in a folder that exists.")
    return None
