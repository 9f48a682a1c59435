"""What is stored with an output: the record of the run, and what decides its bytes."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import zarr

import napari_seamless
from napari_seamless.engine.device import choose_devices
from napari_seamless.engine.flips import flipped_axes
from napari_seamless.engine.precision import reduced_type
from napari_seamless.engine.reading import padding_of
from napari_seamless.engine.shard import output_shard
from napari_seamless.errors import SeamlessError, VolumeError

if TYPE_CHECKING:
    from napari_seamless.patches import Statistics
    from napari_seamless.recipe import RunSettings
    from napari_seamless.reduce import UserFunction
    from napari_seamless.types import ModelSpec, Plan, Volume, Window

_SAMPLE_VOXELS = 16


def run_identity(
    volume: Volume, spec: ModelSpec, settings: RunSettings, plan: Plan, statistics: Statistics | None
) -> dict[str, Any]:
    """Return everything that decides the bytes of the output, JSON-able, by names that a person understands.

    Parameters
    ----------
    volume, spec, settings, plan
        The run.
    statistics : Statistics or None
        What the intensities are normalised with.
    """
    return {
        "input": input_identity(volume),
        "model": {"name": spec.name, "sha256": spec.sha256, "activation": spec.activation},
        "normalization": statistics.to_dict() if statistics is not None else None,
        "shape": plan.shape,
        "patch_size": plan.patch_size,
        "step": plan.step,
        "border": plan.border,
        "window": _window_identity(plan.window),
        "chunk_size": plan.chunk,
        "shard_size": output_shard(settings, plan),
        "batch_size": plan.batch_size,
        **({} if plan.region is None else {"region": [plan.region.start, plan.region.stop]}),
        **_stored_identity(settings),
        "threshold": settings.threshold,
        "channel": settings.channel,
        "damaged_chunks": settings.damaged_chunks,
        **_border_identity(plan, settings),
        **_evaluation_identity(settings, plan),
    }


def _evaluation_identity(settings: RunSettings, plan: Plan) -> dict[str, Any]:
    """Return what decides the digits of a forward pass; what ``auto`` stands for on this machine is settled here."""
    device = choose_devices(settings.device)[0]
    reduced = reduced_type(settings.precision, device)
    layout = settings.channels_last
    return {
        "device": device.type,
        "precision": "float32" if reduced is None else str(reduced).removeprefix("torch."),
        "channels_last": device.type == "cuda" and reduced is not None if layout == "auto" else layout,
        "compile": settings.compile,
        "flips": [plan.axes[axis] for axis in flipped_axes(settings.flips, plan.axes)],
    }


def reduce_identity(own: UserFunction | None) -> dict[str, Any]:
    """Return what a function of one's own adds to the identity of a run."""
    return {} if own is None else {"reduce": own.identity}


def _stored_identity(settings: RunSettings) -> dict[str, Any]:
    """Return what the output holds, by the settings that it looks at."""
    stored: dict[str, Any] = {"write": settings.write}
    if settings.write != "labels":
        stored["probability_dtype"] = settings.probability_dtype
    return stored | ({"top_k": settings.top_k} if settings.write == "top_classes" else {})


def _window_identity(window: Window) -> dict[str, Any]:
    named = {"kind": window.kind, "sigma": window.sigma, "floor": window.floor}
    return named if not window.is_given else {**named, "sha256": hashlib.sha256(window.values).hexdigest()}


def _border_identity(plan: Plan, settings: RunSettings) -> dict[str, Any]:
    """Return the settings that only some border modes look at."""
    if plan.border == "adaptive":
        return {"min_patch_size": settings.min_patch_size}
    padding = padding_of(settings, plan)
    if padding is None:
        return {}
    said = {"mode": padding.mode, "value": padding.value, "sides": settings.pad_sides}
    return {"padding": {**said, "stat_length": padding.stat_length} if padding.is_statistic else said}


def input_identity(volume: Volume) -> dict[str, Any]:
    """Return what names an input: where it lies, its shape and type, and a hash of three small samples of its voxels.

    The samples tell most changed inputs without reading the whole; a change elsewhere is not noticed.
    """
    source = volume.source
    if source is not None and Path(source).exists():
        source = os.fspath(Path(source).resolve())
    digest = hashlib.sha256()
    for part in (0.0, 0.5, 1.0):
        start = [int(part * max(0, n - _SAMPLE_VOXELS)) for n in volume.shape]
        digest.update(_sample(volume, start))
    return {
        "source": source,
        "shape": list(volume.shape),
        "dtype": str(volume.dtype),
        "axes": "".join(volume.axes),
        "samples_sha256": digest.hexdigest(),
    }


def _sample(volume: Volume, start: list[int]) -> bytes:
    try:
        sample = volume.data[tuple(slice(a, a + _SAMPLE_VOXELS) for a in start)]
        return np.ascontiguousarray(sample).tobytes()
    except (SeamlessError, MemoryError):
        raise
    except Exception as error:  # a foreign lazy array may raise anything
        raise VolumeError(f"{volume.name} cannot be read from {start} on ({type(error).__name__}: {error}).") from error


def run_record(
    identity: dict[str, Any], settings: RunSettings, spec: ModelSpec, device: torch.device
) -> dict[str, Any]:
    """Return the record that is stored in the output's metadata."""
    return {
        "settings": settings.model_dump(mode="json"),
        "run": identity,
        "model_source": spec.source,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "versions": {
            "napari-seamless": napari_seamless.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "zarr": zarr.__version__,
            "python": platform.python_version(),
        },
    }
