"""`train`: from volumes and labels to a network file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_seamless.engine import Control
from napari_seamless.errors import OutputExistsError, SettingsError
from napari_seamless.training.checkpoint import load_checkpoint
from napari_seamless.training.events import EpochDone, OnTrainingEvent, ignore_training_event
from napari_seamless.training.loop import TrainingLoop
from napari_seamless.training.preparation import Place, Request, prepare_training
from napari_seamless.training.settings import TrainingSettings

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import torch

    from napari_seamless.quality import PatchPerformance
    from napari_seamless.training.pair import TrainingPair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What a training leaves.

    Parameters
    ----------
    path : pathlib.Path
        The network file, which `load_model` opens.
    network : torch.nn.Module
        The network after the last epoch, which need not be the best.
    epochs : tuple of EpochDone
        What each epoch brought.
    performance : PatchPerformance
        Error rate by patch coordinate over the latest epochs.
    """

    path: Path
    network: torch.nn.Module
    epochs: tuple[EpochDone, ...]
    performance: PatchPerformance

    @property
    def best(self) -> EpochDone:
        """The epoch whose network is in the file."""
        return next(epoch for epoch in reversed(self.epochs) if epoch.is_best)


def train(  # noqa: PLR0913  what, where to, how, and who listens, by name
    pairs: Sequence[tuple[Any, ...] | TrainingPair],
    output: str | os.PathLike[str],
    settings: TrainingSettings | None = None,
    *,
    network: torch.nn.Module | None = None,
    validation: Sequence[tuple[Any, ...] | TrainingPair] = (),
    overwrite: bool = False,
    resume: bool = False,
    on_event: OnTrainingEvent = ignore_training_event,
    control: Control | None = None,
) -> Trained:
    r"""Train a network on volumes and labels.

    After each epoch a checkpoint is written into the folder ``OUTPUT.training``; a training that is resumed from it
    ends with the weights of one that never stopped, on a CPU bit by bit. Whenever a validation is better than all
    before, the network of that epoch is put into the network file, with all that inference needs and the errors by
    patch coordinate of the latest epochs.

    Parameters
    ----------
    pairs : sequence of (image, labels) or (image, labels, distances) or TrainingPair
        Volumes, or what `open_volume` takes. Distance maps are computed where the loss needs them and none are given.
    output : path
        The network file (TorchScript).
    settings : TrainingSettings
        How to train.
    network : torch.nn.Module or None
        (batch, channel, \*spatial) to logits (batch, class, \*spatial), trained as it comes and changed in place; None
        builds a `UNet`.
    validation : sequence as `pairs`
        What the network is judged by. Empty: the training volumes themselves, whose scores say how well they are
        learned and nothing about others.
    overwrite : bool
        Replace a network file, and forget an unfinished training.
    resume : bool
        Go on from the checkpoint.
    on_event : callable
        Told of `Preparing`, `StepDone` and `EpochDone`, in the caller's thread.
    control : Control or None
        Cancels and pauses between two steps.

    Returns
    -------
    Trained

    Raises
    ------
    RunCancelledError
        The control cancelled it; the best network so far and the last checkpoint stay.
    SeamlessError
        Something does not fit; the text says what to do.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from napari_seamless.training import make_training_settings
    >>> image = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    >>> settings = make_training_settings(
    ...     patch_size=8, epochs=1, patches_per_epoch=4, channels=(4, 8), device="cpu"
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trained = train([(image, image > 0.5)], pathlib.Path(folder) / "network.pt", settings)
    >>> trained.best.epoch, list(trained.best.dice)
    (0, ['class 1'])
    """
    chosen = settings or TrainingSettings()
    place = Place(output=Path(output), resume=resume)
    control = control or Control()
    state = _check_place(place, chosen, overwrite=overwrite)
    request = Request(pairs=pairs, validation=validation, settings=chosen, network=network)
    task = prepare_training(request, place, on_event, control)
    loop = TrainingLoop(task, place, on_event, control)
    loop.run(state)
    return Trained(
        path=place.output,
        network=task.step.network,
        epochs=tuple(loop.epochs),
        performance=loop.performance.merged(),
    )


def _check_place(place: Place, settings: TrainingSettings, *, overwrite: bool) -> dict[str, Any] | None:
    """Return the checkpoint to resume from; refuse to overwrite what nobody said may go."""
    if place.resume:
        state = load_checkpoint(place.checkpoint)
        differences = settings.differences(TrainingSettings(**json.loads(state["settings"])))
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
