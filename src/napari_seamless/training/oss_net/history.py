"""The table of epochs that a training of occupancies leaves."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from napari_seamless.training.checkpoint import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_seamless.training.events import EpochDone

COLUMNS = ("epoch", "loss", "learning_rate", "seconds", "dice", "iou", "best")


def write_text(path: Path, text: str) -> None:
    """Write a text file in one piece.

    Raises
    ------
    StorageError
        The disk is full or may not be written.
    """

    def write(part: Path) -> None:
        part.write_text(text)

    write_whole(path, write)


def iou_of(dice: float) -> float:
    """Return the intersection over union of a Dice score.

    Examples
    --------
    >>> iou_of(0.5)
    0.3333333333333333
    """
    return dice / (2.0 - dice)


def write_history(path: Path, epochs: Sequence[EpochDone]) -> None:
    """Write a table of the epochs so far, in one piece: comma-separated, empty where there was no evaluation."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for done in epochs:
        dice = done.mean_dice
        scores = ("", "") if dice is None else (f"{dice:.6f}", f"{iou_of(dice):.6f}")
        row = (done.epoch + 1, f"{done.loss:.6f}", f"{done.learning_rate:g}", f"{done.seconds:.3f}")
        writer.writerow((*row, *scores, int(done.is_best)))
    write_text(path, text.getvalue())
