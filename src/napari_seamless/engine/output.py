"""From a job and the number of classes to a sink and a way to reduce."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.blend import WeightSums
from napari_seamless.engine.classes import class_colors, class_names
from napari_seamless.engine.record import run_record
from napari_seamless.engine.shard import output_shard, waiting_bytes
from napari_seamless.errors import ModelError
from napari_seamless.plan import axis_weights, is_separable, window_array
from napari_seamless.reduce import (
    argmax_labels,
    check_range,
    check_top_classes,
    label_dtype,
    mean_probabilities,
    stored_probabilities,
    threshold_labels,
    top_classes,
)
from napari_seamless.sinks import MemorySink, OmeZarrSink, OutputSpec, Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from napari_seamless.engine.job import Job
    from napari_seamless.reduce import UserFunction
    from napari_seamless.types import Box, Plan

    Reduce = Callable[[torch.Tensor, Box], np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    r"""How the class sums of a block become what is stored.

    Parameters
    ----------
    function : callable
        ((class, \\*block) float32 sums, the block's `Box`) to (\\*leading, \\*block) of `dtype` in host memory. It may
        overwrite the sums, and run in several threads at once.
    by_tile : bool
        Whether a block may be any box inside a chunk; otherwise it must be a whole chunk.
    leading : tuple of int
        Length of the axis of channels; empty for labels.
    dtype : numpy.dtype
        Type of the result.
    """

    function: Reduce
    by_tile: bool
    leading: tuple[int, ...]
    dtype: np.dtype[Any]


def make_reduction(job: Job, outputs: int) -> Reduction:
    """Return how the sums of a network with this many output channels are reduced.

    Raises
    ------
    SettingsError
        The channels do not fit the settings.
    ModelError
        The job's own function fails on a block of zeros, or returns what cannot be stored.
    """
    weights = weight_sums(job.plan)
    if job.reduce is not None:
        return _own(job, job.reduce, outputs, weights)
    kinds = {"labels": _labels, "probabilities": _probabilities, "top_classes": _top_classes}
    return kinds[job.settings.write](job, outputs, weights)


def _own(job: Job, own: UserFunction, outputs: int, weights: WeightSums) -> Reduction:
    leading, dtype = own.form(outputs, job.plan.chunk_box((0,) * len(job.plan.shape)))

    def function(sums: torch.Tensor, box: Box) -> np.ndarray[Any, Any]:
        return own(mean_probabilities(sums, weights.over(box)), box)

    return Reduction(function=function, by_tile=False, leading=leading, dtype=dtype)


def _labels(job: Job, outputs: int, weights: WeightSums) -> Reduction:
    threshold = job.settings.threshold
    dtype = label_dtype(len(class_names(job.model.spec, outputs, labels=True)))

    def function(sums: torch.Tensor, box: Box) -> np.ndarray[Any, Any]:
        return argmax_labels(sums) if outputs > 1 else threshold_labels(sums, weights.over(box), threshold)

    return Reduction(function=function, by_tile=True, leading=(), dtype=dtype)


def _probabilities(job: Job, outputs: int, weights: WeightSums) -> Reduction:
    dtype = np.dtype(job.settings.probability_dtype)

    def function(sums: torch.Tensor, box: Box) -> np.ndarray[Any, Any]:
        with _place_named(box):
            return stored_probabilities(sums, weights.over(box), dtype)

    return Reduction(function=function, by_tile=True, leading=(outputs,), dtype=dtype)


def _top_classes(job: Job, outputs: int, weights: WeightSums) -> Reduction:
    k, dtype = job.settings.top_k, np.dtype(job.settings.probability_dtype)
    check_top_classes(k, outputs, dtype)

    def function(sums: torch.Tensor, box: Box) -> np.ndarray[Any, Any]:
        with _place_named(box):
            return top_classes(sums, weights.over(box), k, dtype)

    return Reduction(function=function, by_tile=True, leading=(2 * k,), dtype=dtype)


def check_storable(job: Job, output: torch.Tensor) -> None:
    r"""Refuse outputs of the network that the output's type cannot hold, before anything of them is written.

    Parameters
    ----------
    job : Job
        The run.
    output : torch.Tensor
        (batch, class, \\*patch) float32 as the network returned it.

    Raises
    ------
    ModelError
        A value lies outside what `probability_dtype` holds.
    """
    settings = job.settings
    if job.reduce is None and settings.write != "labels" and settings.probability_dtype != "float32":
        low, high = output.aminmax()
        check_range(float(low), float(high), np.dtype(settings.probability_dtype))


def weight_sums(plan: Plan) -> WeightSums:
    """Return the sums of a plan's window at each voxel."""
    window = plan.window
    return WeightSums(
        plan,
        lambda shape: window_array(window, shape),
        (lambda size, axis: axis_weights(window, size, axis)) if is_separable(window) else None,
    )


@contextmanager
def _place_named(box: Box) -> Iterator[None]:
    """Add the place to an error."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{str(error).rstrip('.')} (met from {box.start} to {box.stop}).") from None


def open_sink(job: Job, outputs: int, identity: dict[str, Any], *, record: bool = True) -> Sink:
    """Create, or reopen, the output; `record` keeps a journal of the chunks that are written."""
    spec = output_spec(job, outputs, identity)
    if job.output is None:
        return MemorySink(spec)
    return OmeZarrSink(job.output, spec, identity, overwrite=job.overwrite, resume=job.resume, record=record)


def output_spec(job: Job, outputs: int, identity: dict[str, Any]) -> OutputSpec:
    """Describe the output of a job whose network returns this many channels."""
    reduction = make_reduction(job, outputs)
    named = _classes(job, outputs, reduction)
    place, spacing = job.plan.output_box, job.volume.spacing
    return OutputSpec(
        name=f"{job.volume.name} {_kind(job)}",
        axes=job.volume.spatial_axes,
        shape=place.shape,
        chunk=job.plan.chunk,
        shard=output_shard(job.settings, job.plan),
        waiting_bytes=waiting_bytes(job.settings),
        dtype=reduction.dtype,
        n_channels=reduction.leading[0] if reduction.leading else None,
        spacing=spacing,
        translation=tuple(t + a * s for t, a, s in zip(job.volume.translation, place.start, spacing, strict=True)),
        units=job.volume.units,
        metadata=run_record(identity, job.settings, job.model.spec, job.device) | {"classes": named["classes"]},
        **named,
    )


def _kind(job: Job) -> str:
    """Return what the output holds, for its name."""
    return "reduced" if job.reduce is not None else job.settings.write.replace("_", " ")


def _classes(job: Job, outputs: int, reduction: Reduction) -> dict[str, Any]:
    """Return what an output says about classes and channels; only the author of a function knows what it returns."""
    spec, write = job.model.spec, job.settings.write
    if job.reduce is not None:
        channels = tuple(f"channel {i}" for i in range(sum(reduction.leading)))
        return {"classes": (), "colors": (), "channels": channels}
    names = class_names(spec, outputs, labels=write != "probabilities")
    if write != "top_classes":
        return {"classes": names, "colors": class_colors(spec, names) if len(names) > 1 else ()}
    ranks = range(1, job.settings.top_k + 1)
    top = 255.0 if reduction.dtype == np.uint8 else 1.0
    return {
        "classes": names,
        "colors": (),
        "channels": (*(f"rank {rank} class" for rank in ranks), *(f"rank {rank} probability" for rank in ranks)),
        "limits": ((0.0, outputs - 1.0),) * len(ranks) + ((0.0, top),) * len(ranks),
        "is_categorical": True,
    }
