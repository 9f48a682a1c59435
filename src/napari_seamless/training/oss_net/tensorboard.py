"""Numbers of a training for TensorBoard, where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.errors import MissingDependencyError
from napari_seamless.training.events import EpochDone, StepDone
from napari_seamless.training.oss_net.history import iou_of

if TYPE_CHECKING:
    import os

    from napari_seamless.training.events import TrainingEvent


class TensorBoardLog:
    """Listener that writes losses by step, and rates and scores by epoch.

    Parameters
    ----------
    folder : path
        Where the log goes; made where it is missing.

    Raises
    ------
    MissingDependencyError
        TensorBoard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingDependencyError(
                "A TensorBoard log needs tensorboard; try pip install 'napari-seamless[tensorboard]', or leave the log "
                "out: the same numbers are in history.csv."
            ) from error
        writer: Any = SummaryWriter  # torch leaves it untyped
        self._writer = writer(str(folder))

    def __call__(self, event: TrainingEvent) -> None:
        """Write one event."""
        if isinstance(event, StepDone):
            self._writer.add_scalar("loss/step", event.loss, event.epoch * event.steps + event.step)
        elif isinstance(event, EpochDone):
            self._writer.add_scalar("loss/epoch", event.loss, event.epoch)
            self._writer.add_scalar("learning rate", event.learning_rate, event.epoch)
            if event.mean_dice is not None:
                self._writer.add_scalar("validation/dice", event.mean_dice, event.epoch)
                self._writer.add_scalar("validation/iou", iou_of(event.mean_dice), event.epoch)

    def close(self) -> None:
        """Finish the log."""
        self._writer.close()
