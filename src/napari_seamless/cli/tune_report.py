"""What is said of a curve: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.measured_window import NAME
from napari_seamless.cli.wording import duration, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.cli.tuning import TuningOutcome
    from napari_seamless.engine.tuning import Point
    from napari_seamless.types import Box


def as_json(outcome: TuningOutcome) -> dict[str, Any]:
    """Return a curve as JSON-able values.

    Parameters
    ----------
    outcome : TuningOutcome
        What `tuned` returned.

    Returns
    -------
    dict
        ``recommended`` and ``curve`` (a list) hold ``patch_size``, ``overlap``, ``border``, ``window``, ``dice``,
        ``dice_per_class``, ``surface_dice``, ``seam_energy``, ``patches``, ``seconds``, ``stages``, ``efficiency``,
        ``is_proxy`` and, in the curve, ``pareto``; beside them ``sentence``, ``tolerance``, ``region``, ``classes``,
        ``consensus`` (what stood for the truth, or null), ``performance_window`` (where the weights of that window come
        from, or null) and ``warnings``.
    """
    front = set(map(id, outcome.advice.pareto))
    return {
        "volume": outcome.volume,
        "region": [list(outcome.region.start), list(outcome.region.stop)],
        "classes": list(outcome.classes),
        "consensus": None if outcome.consensus is None else outcome.consensus.words,
        "tolerance": outcome.advice.tolerance,
        "sentence": outcome.advice.sentence,
        "recommended": outcome.advice.recommended.to_dict(),
        "curve": [point.to_dict() | {"pareto": id(point) in front} for point in outcome.points],
        "performance_window": None if outcome.measured is None else outcome.measured.to_dict(),
        "warnings": list(outcome.warnings),
    }


def as_csv(outcome: TuningOutcome) -> str:
    """Return a curve as comma-separated values: a row for each setting, a column for the Dice of each class."""
    text = io.StringIO()
    names = list(outcome.points[0].dice_per_class)
    plain = ["border", "window", "dice", "surface_dice", "seam_energy", "patches", "seconds", "efficiency", "is_proxy"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["patch_size", "overlap", *plain, *(f"dice {name}" for name in names), "recommended"])
    for point in outcome.points:
        values = point.to_dict()
        writer.writerow(
            [
                _per_axis(values["patch_size"]),
                _per_axis(values["overlap"]),
                *(values[name] for name in plain),
                *(point.dice_per_class[name] for name in names),
                point is outcome.advice.recommended,
            ]
        )
    return text.getvalue()


def table(outcome: TuningOutcome) -> str:
    """Return a curve as a table for people, with what is recommended below it."""
    front = set(map(id, outcome.advice.pareto))
    names = list(outcome.points[0].dice_per_class)
    quality = "agreement" if outcome.consensus else "Dice"
    header = ["", "patch", "overlap", "border", "window", quality, *names, "surface", "seam", "patches", "time"]
    rows = [header, *(_row(point, _mark(point, outcome, front), names) for point in outcome.points)]
    against = (
        f"agreement with the consensus of {outcome.consensus.words}: a proxy, for there is no truth"
        if outcome.consensus
        else "Dice against the truth"
    )
    lines = [
        f"{outcome.volume}, region {_place(outcome.region)}; {against}; time of a run over the whole volume",
        *_columns(rows),
        "* recommended, + no other setting is both better and faster",
        *_origin(outcome),
        outcome.advice.sentence,
    ]
    return "\n".join(lines)


def _origin(outcome: TuningOutcome) -> list[str]:
    """Say where the weights of the performance window come from."""
    measured = outcome.measured
    if measured is None:
        return []
    what = "disagreement with the consensus" if measured.is_proxy else "error rate"
    where = "beside the scored region" if measured.elsewhere else "where it is scored"
    return [f"{NAME}: inverse {what} by patch coordinate, measured in {_place(measured.region)}, {where}"]


def _place(region: Box) -> str:
    return ", ".join(f"{a}:{b}" for a, b in zip(region.start, region.stop, strict=True))


def _mark(point: Point, outcome: TuningOutcome, front: set[int]) -> str:
    return "*" if point is outcome.advice.recommended else "+" if id(point) in front else ""


def _row(point: Point, mark: str, names: Sequence[str]) -> list[str]:
    values = point.to_dict()
    return [
        mark,
        _per_axis(values["patch_size"]),
        _per_axis(values["overlap"]),
        point.border,
        point.window,
        f"{point.dice:.4f}",
        *(_number(point.dice_per_class[name]) for name in names),
        _number(point.surface_dice),
        _number(point.seam_energy),
        str(point.patches),
        duration(point.seconds),
    ]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _per_axis(value: float | Sequence[float]) -> str:
    values = [value] if isinstance(value, int | float) else list(value)
    return f"{values[0]:g}" if len(set(values)) == 1 else times(values).replace(" ", "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
