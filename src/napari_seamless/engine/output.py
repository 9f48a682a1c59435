"""From a job and the number of classes to a sink and a way to reduce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.blend import WeightSums
from napari_seamless.engine.record import run_record
from napari_seamless.errors import ModelError
from napari_seamless.plan import axis_weights, is_separable, window_array
from napari_seamless.reduce import argmax_labels, label_dtype, mean_probabilities, threshold_labels
from napari_seamless.sinks import MemorySink, OmeZarrSink, OutputSpec, Sink

if TYPE_CHECKING:
    from napari_seamless.engine.finish import Reduce
    from napari_seamless.engine.job import Job
    from napari_seamless.types import ModelSpec

_PALETTE = ((240, 228, 66, 255), (0, 158, 115, 255), (213, 94, 0, 255), (86, 180, 233, 255), (204, 121, 167, 255))
"""Colours that colour-blind people can tell apart (Okabe and Ito, 2008)."""


def class_names(spec: ModelSpec, outputs: int, *, labels: bool) -> tuple[str, ...]:
    """Return a name for every label, or for every output channel.

    Raises
    ------
    ModelError
        The network returns another number of classes than it names.
    """
    if labels and outputs == 1:
        return spec.classes if len(spec.classes) == 2 else ("background", *(spec.classes or ("foreground",)))
    if not spec.classes:
        return tuple("background" if i == 0 and labels else f"class {i}" for i in range(outputs))
    if len(spec.classes) != outputs:
        if outputs == 1 and len(spec.classes) == 2:
            return spec.classes[1:]
        raise ModelError(
            f"The network {spec.name} names {len(spec.classes)} classes but returned {outputs} channels; "
            "correct the classes in its description."
        )
    return spec.classes


def class_colors(spec: ModelSpec, names: tuple[str, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """Return an RGBA colour for every class; the background is transparent."""
    if len(spec.colors) == len(names):
        return spec.colors
    return tuple((0, 0, 0, 0) if i == 0 else _PALETTE[(i - 1) % len(_PALETTE)] for i in range(len(names)))


def make_reduce(job: Job, outputs: int) -> Reduce:
    """Return the function that turns the sums of a finished chunk into what is stored."""
    window = job.plan.window
    weights = WeightSums(
        job.plan,
        lambda shape: window_array(window, shape),
        (lambda size: axis_weights(window, size)) if is_separable(window) else None,
    )
    if job.settings.write == "probabilities":
        return lambda sums, box: mean_probabilities(sums, weights.over(box))
    if outputs == 1:
        return lambda sums, box: threshold_labels(sums, weights.over(box), job.settings.threshold)
    return lambda sums, _box: argmax_labels(sums)


def open_sink(job: Job, outputs: int, identity: dict[str, Any], *, record: bool = True) -> Sink:
    """Create, or reopen, the output; `record` keeps a journal of the chunks that are written."""
    spec = output_spec(job, outputs, identity)
    if job.output is None:
        return MemorySink(spec)
    return OmeZarrSink(job.output, spec, identity, overwrite=job.overwrite, resume=job.resume, record=record)


def output_spec(job: Job, outputs: int, identity: dict[str, Any]) -> OutputSpec:
    """Describe the output of a job whose network returns this many channels."""
    labels = job.settings.write == "labels"
    names = class_names(job.model.spec, outputs, labels=labels)
    return OutputSpec(
        name=f"{job.volume.name} {job.settings.write}",
        axes=job.volume.spatial_axes,
        shape=job.plan.shape,
        chunk=job.plan.chunk,
        dtype=label_dtype(len(names)) if labels else np.dtype(np.float32),
        classes=names,
        colors=class_colors(job.model.spec, names),
        n_channels=None if labels else outputs,
        spacing=job.volume.spacing,
        translation=job.volume.translation,
        units=job.volume.units,
        metadata=run_record(identity, job.settings, job.model.spec, job.device),
    )
