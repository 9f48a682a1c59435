"""A curve and the error by patch coordinate as a picture, for a machine without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.cli.png import new_figure, save_png

if TYPE_CHECKING:
    from napari_seamless.cli.tuning import TuningOutcome

_COLORS = {
    "gaussian": "#0072b2",
    "constant": "#d55e00",
    "hann": "#009e73",
    "triangle": "#cc79a7",
    "performance": "#e69f00",
}
"""Colours that colour-blind people can tell apart (Okabe and Ito, 2008)."""


def save_tuning_picture(outcome: TuningOutcome, path: str) -> None:
    """Draw quality against time, and beside it the error by the coordinate in the patch.

    Parameters
    ----------
    outcome : TuningOutcome
        What `tuned` returned, with the performance.
    path : str
        PNG file to write.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    StorageError
        The file cannot be written.
    """
    figure = new_figure("curve", figsize=(12, 5), dpi=140, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_curve(left, outcome)
    _draw_performance(figure, right, outcome)
    figure.suptitle(f"{outcome.volume}: which overlap is worth its time")
    save_png(figure, path)


def _draw_curve(axes: Any, outcome: TuningOutcome) -> None:
    kinds = dict.fromkeys(point.window for point in outcome.points)
    for kind in kinds:
        points = [point for point in outcome.points if point.window == kind]
        axes.plot(
            [p.seconds for p in points], [p.dice for p in points], "o", label=kind, color=_COLORS.get(kind), alpha=0.8
        )
    front, best = outcome.advice.pareto, outcome.advice.recommended
    axes.plot([p.seconds for p in front], [p.dice for p in front], "-", color="0.5", label="Pareto front", zorder=0)
    axes.plot(
        [best.seconds], [best.dice], "*", markersize=18, color="none", markeredgecolor="black", label="recommended"
    )
    axes.set_xscale("log")
    _name(axes, outcome)
    axes.set_xlabel("predicted time of the whole volume (s)")
    axes.set_ylabel("agreement with the consensus (a proxy)" if outcome.consensus else "mean Dice")
    axes.legend(loc="best", fontsize=8)
    axes.grid(visible=True, alpha=0.3)


def _name(axes: Any, outcome: TuningOutcome) -> None:
    """Write what is recommended beside its mark, on the side where the plot has room for it."""
    best = outcome.advice.recommended
    times = sorted(point.seconds for point in outcome.points)
    on_the_left = best.seconds**2 > times[0] * times[-1]  # beyond the middle of a logarithmic axis
    axes.annotate(
        best.setting,
        (best.seconds, best.dice),
        xytext=(-12 if on_the_left else 12, -14),
        textcoords="offset points",
        horizontalalignment="right" if on_the_left else "left",
        size=8,
    )


def _draw_performance(figure: Any, axes: Any, outcome: TuningOutcome) -> None:
    if outcome.performance is None:
        return
    error = outcome.performance.calculate_performance().numpy()
    what = "disagreement with the consensus" if outcome.consensus else "error rate"
    flat = np.nanmean(error.reshape(-1, *error.shape[-2:]), axis=0) if error.ndim > 1 else error[None]
    image = axes.imshow(flat, cmap="magma", vmin=0, origin="lower", aspect="auto" if error.ndim == 1 else "equal")
    figure.colorbar(image, ax=axes, shrink=0.8)
    over = "\nmean over the other axes" if error.ndim > 2 else ""
    axes.set_title(f"{what} by patch coordinate{over}", size=10)
