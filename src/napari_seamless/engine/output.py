"""From a job and the number of classes to a sink and a way to reduce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.blend import WeightSums
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
    from collections.abc import Callable

    import torch

    from napari_seamless.engine.job import Job
    from napari_seamless.types import Box, ModelSpec, Plan

    Reduce = Callable[[torch.Tensor, Box], np.ndarray[Any, Any]]

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
    settings, over = job.settings, _weight_sums(job.plan).over
    own, dtype = job.reduce, np.dtype(settings.probability_dtype)
    if own is not None:
        leading, dtype = own.form(outputs, job.plan.chunk_box((0,) * len(job.plan.shape)))
        return Reduction(
            function=lambda sums, box: own(mean_probabilities(sums, over(box)), box),
            by_tile=False,
            leading=leading,
            dtype=dtype,
        )
    if settings.write == "probabilities":
        return Reduction(
            function=_named(lambda sums, box: stored_probabilities(sums, over(box), dtype)),
            by_tile=True,
            leading=(outputs,),
            dtype=dtype,
        )
    if settings.write == "top_classes":
        check_top_classes(settings.top_k, outputs, dtype)
        return Reduction(
            function=_named(lambda sums, box: top_classes(sums, over(box), settings.top_k, dtype)),
            by_tile=True,
            leading=(2 * settings.top_k,),
            dtype=dtype,
        )
    return Reduction(
        function=(
            (lambda sums, box: threshold_labels(sums, over(box), settings.threshold))
            if outputs == 1
            else (lambda sums, _box: argmax_labels(sums))
        ),
        by_tile=True,
        leading=(),
        dtype=label_dtype(len(class_names(job.model.spec, outputs, labels=True))),
    )


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


def make_reduce(job: Job, outputs: int) -> Reduce:
    """Return the function of `make_reduction`."""
    return make_reduction(job, outputs).function


def _weight_sums(plan: Plan) -> WeightSums:
    window = plan.window
    return WeightSums(
        plan,
        lambda shape: window_array(window, shape),
        (lambda size: axis_weights(window, size)) if is_separable(window) else None,
    )


def _named(function: Reduce) -> Reduce:
    """Add the place to the errors of a reduction."""

    def reduce(sums: torch.Tensor, box: Box) -> np.ndarray[Any, Any]:
        try:
            return function(sums, box)
        except ModelError as error:
            raise ModelError(f"{str(error).rstrip('.')} (met from {box.start} to {box.stop}).") from None

    return reduce


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
