"""What is said at the end of a run: one JSON object for programs, a few lines for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.wording import aligned, byte_size, duration, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.cli.run import Outcome


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return a run as JSON-able values.

    Parameters
    ----------
    outcome : Outcome
        A finished run.

    Returns
    -------
    dict
        ``output`` (path), ``patches``, ``seconds`` by stage, ``peak_memory_bytes``, ``plan``, ``classes`` and
        ``warnings``; ``dice`` by class name where there was a reference, null for a class that neither volume has.
    """
    result = outcome.result
    values: dict[str, Any] = {
        "output": result.path,
        "patches": int(result.patches),
        "evaluated": int(result.evaluated),
        "seconds": {stage: round(float(seconds), 6) for stage, seconds in result.timings.items()},
        "peak_memory_bytes": int(result.peak_memory_bytes),
        "plan": _plan(outcome),
        "classes": list(result.classes),
        "warnings": list(result.warnings),
    }
    if outcome.dice is not None:
        values["dice"] = {name: _number(score) for name, score in outcome.dice.items()}
    return values


def summary(outcome: Outcome) -> str:
    """Return a run as a few lines for people.

    Parameters
    ----------
    outcome : Outcome
        A finished run.

    Returns
    -------
    str
        Output, patches, time by stage, peak memory, and scores where there are any.
    """
    result, plan = outcome.result, _plan(outcome)
    levels = len(result.volume.levels)
    rows = {
        plan["write"]: f"{times(plan['shape'])} voxels, {len(result.classes)} classes, {levels} pyramid levels",
        "patches": (
            f"{result.patches} of {times(plan['patch_size'])}, overlap {_overlap(plan['overlap'])}, border "
            f"{plan['border']}, window {plan['window']}, on {plan['device']}{_evaluated(outcome)}"
        ),
        "time": _time(result.timings, int(result.evaluated)),
        "peak memory": byte_size(result.peak_memory_bytes),
    }
    if outcome.dice is not None:
        rows["dice"] = dice_line(outcome.dice)
    return f"{result.path}\n{aligned(rows)}"


def _evaluated(outcome: Outcome) -> str:
    """Say where not every patch was evaluated once in this run: it was resumed, or done in tasks with borders."""
    result, job = outcome.result, outcome.job
    if result.evaluated == result.patches:
        return ""
    if result.evaluated < result.patches:
        return f"\n{result.evaluated} of them in this run"
    again = result.evaluated - result.patches
    if job.workers is None and job.scheduler is None:
        return f"\n{again} beside the region, in the same batches"
    return f"\n{again} of them ({again / result.patches:.0%}) evaluated again, at the borders between tasks"


def dice_line(dice: dict[str, float | None]) -> str:
    """Return scores as one line.

    Examples
    --------
    >>> dice_line({"white matter": 0.9312, "grey matter": None})
    'white matter 0.931, grey matter in neither'
    """
    return ", ".join(f"{name} {'in neither' if score is None else f'{score:.3f}'}" for name, score in dice.items())


def _plan(outcome: Outcome) -> dict[str, Any]:
    plan, settings = outcome.job.plan, outcome.job.settings
    return {
        "axes": list(plan.axes),
        "shape": list(plan.output_box.shape),
        "region": None if plan.region is None else [list(plan.region.start), list(plan.region.stop)],
        "patch_size": list(plan.patch_size),
        "step": list(plan.step),
        "overlap": settings.overlap if isinstance(settings.overlap, float) else list(settings.overlap),
        "border": plan.border,
        "window": plan.window.kind,
        "chunk": list(plan.chunk),
        "batch_size": plan.batch_size,
        "evaluations_per_voxel": plan.evaluations_per_voxel,
        "device": str(outcome.job.device),
        "write": settings.write,
    }


def _time(timings: Mapping[str, float], patches: int) -> str:
    """Return the wall time, the rate, and the work of each stage with its share of all work.

    Stages overlap and several patches are evaluated at once, so that the work may exceed the wall time.
    """
    total = float(timings.get("total", 0.0))
    rate = f", {patches / total:.3g} patches/s" if total > 0 else ""
    work = {stage: seconds for stage, seconds in timings.items() if stage not in {"total", "wait"}}
    whole = sum(work.values()) or 1.0
    shares = ", ".join(f"{stage} {duration(seconds)} ({seconds / whole:.0%})" for stage, seconds in work.items())
    waited = duration(float(timings.get("wait", 0.0)))
    return f"{duration(total)}{rate}\nwork: {shares}; the network waited {waited}"


def _overlap(overlap: float | list[float]) -> str:
    return f"{overlap:g}" if isinstance(overlap, float) else times(overlap)


def _number(score: float | None) -> float | None:
    """Return a score that JSON can hold: there is no NaN in JSON."""
    return None if score is None or math.isnan(score) else float(score)
