"""A training of an occupancy network, as JSON-able values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.wording import byte_size, duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_seamless.training.oss_net import OccupancyTrained

_HEADS = ("setting", "Dice", "IoU", "peak memory", "segments a crop in")


def as_values(trained: OccupancyTrained, peak: int, seconds: float) -> dict[str, Any]:
    """Return a finished training as JSON-able values."""
    found = trained.evaluation
    return {
        "output": str(trained.path),
        "setting": trained.setting,
        "crop": list(trained.trainee.size),
        "epoch": trained.best.epoch + 1,
        "epochs": len(trained.epochs),
        "dice": _mean(found.dice),
        "iou": _mean(found.iou),
        "coordinates": found.coordinates,
        "peak_memory_bytes": peak,
        "inference_seconds": round(seconds, 6),
        "training_seconds": round(sum(epoch.seconds for epoch in trained.epochs), 3),
        "by_distance": found.by_distance,
    }


def summary(found: Mapping[str, Any]) -> str:
    """Return one training in a sentence, and its errors by distance from the border."""
    head = (
        f"{found['output']} holds the network of epoch {found['epoch']} of {found['epochs']}: Dice "
        f"{found['dice']:.4f}, IoU {found['iou']:.4f} at {found['coordinates']} coordinates that were held out."
    )
    cost = (
        f"Training took {byte_size(found['peak_memory_bytes'])} at its peak; a crop of "
        f"{' x '.join(map(str, found['crop']))} voxels is segmented in {duration(found['inference_seconds'])}."
    )
    rows = [("voxels from the border", "coordinates", "mean error", "wrong")]
    rows += [
        (row["voxels"], str(row["coordinates"]), f"{row['error']:.4f}", f"{row['wrong']:.2%}")
        for row in found["by_distance"]
        if row["coordinates"]
    ]
    return "\n".join([head, cost, "", *_columns(rows)])


def as_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return several trainings as one table.

    Examples
    --------
    >>> row = {"setting": "a", "dice": 0.5, "iou": 1 / 3, "peak_memory_bytes": 2**20, "inference_seconds": 2.0}
    >>> print(as_table([row]))
    setting    Dice     IoU  peak memory  segments a crop in
    a        0.5000  0.3333      1.0 MiB               2.0 s
    """
    rows = [_HEADS]
    for row in found:
        scores = (f"{row['dice']:.4f}", f"{row['iou']:.4f}")
        costs = (byte_size(row["peak_memory_bytes"]), duration(row["inference_seconds"]))
        rows.append((row["setting"], *scores, *costs))
    return "\n".join(_columns(rows))


def _mean(scores: Mapping[str, float | None]) -> float:
    known = [score for score in scores.values() if score is not None]
    return sum(known) / len(known) if known else 0.0


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells))
    return lines
