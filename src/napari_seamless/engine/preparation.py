"""Check everything that can be checked before a voxel is read, and make the plan."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from napari_seamless.engine.batch_size import choose_batch_size, recorded_batch_size
from napari_seamless.engine.device import choose_devices
from napari_seamless.engine.flips import flipped_axes
from napari_seamless.engine.job import Job
from napari_seamless.engine.lanes import lane_count
from napari_seamless.engine.shard import output_shard
from napari_seamless.errors import AxesError, ModelError, SettingsError
from napari_seamless.models import ModelSource, load_model
from napari_seamless.plan import load_window, make_plan
from napari_seamless.reduce import UserFunction
from napari_seamless.sinks import check_free
from napari_seamless.types import WINDOW_SUFFIX, ModelSpec, Plan, Volume, Window, WindowKind
from napari_seamless.volume import open_volume, parse_region

if TYPE_CHECKING:
    from napari_seamless.recipe import RunSettings
    from napari_seamless.reduce import OwnFunction


def prepare(  # noqa: PLR0913  the last ones say where to and how, by name
    volume: Any,
    model: ModelSource,
    settings: RunSettings,
    output: str | os.PathLike[str] | None = None,
    *,
    window: Window | None = None,
    overwrite: bool = False,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    reduce: OwnFunction | None = None,
) -> Job:
    """Make a job that is ready to run.

    Parameters
    ----------
    volume : Volume or anything that `open_volume` takes
        The input.
    model : Model, path, module, callable or ``"demo"``
        The network: see `load_model`.
    settings : RunSettings
        How to run it.
    output : path or None
        Folder of the OME-Zarr output; None keeps the result in memory.
    window : Window or None
        Weights that a name cannot say, such as those of `Window.from_array`; None takes those of the settings.
    overwrite : bool
        Replace an OME-Zarr that is there.
    resume : bool
        Go on with an earlier run of the same settings in `output`.
    workers : int or None
        Run on this many local processes instead of threads of this one.
    scheduler : str or None
        Run on the cluster of this dask scheduler; its workers must see the volume and the output under the same paths.
    reduce : callable or None
        Makes what is stored of each finished chunk: see `UserFunction`. None stores what the settings say.

    Returns
    -------
    Job

    Raises
    ------
    SeamlessError
        Something does not fit; the text says what to change.
    """
    opened = open_volume(volume, missing_chunks=settings.missing_chunks, damaged_chunks=settings.damaged_chunks)
    network = load_model(model, activation=settings.activation)
    _check_fit(opened, network.spec, settings)
    own = None if reduce is None else _own_reduction(reduce, settings)
    path = None if output is None else output_path(output, overwrite=overwrite, resume=resume)
    check_apart(path, opened)
    if path is None and (workers is not None or scheduler is not None):
        raise SettingsError(
            "Several processes cannot fill one memory; give output a folder that all of them can write."
        )
    devices = choose_devices(settings.device)
    plan = plan_for(opened, network.spec, settings, window)
    if settings.batch_size == "auto":
        size = recorded_batch_size(path) if resume and path is not None else None
        channels = 1 if settings.channel is not None else opened.n_channels
        size = size or choose_batch_size(network, devices[0], plan.patch_size, channels, settings.precision)
        plan = replace(plan, batch_size=size)
    output_shard(settings, plan)
    return Job(
        volume=opened,
        model=network,
        settings=settings,
        plan=plan,
        lanes=lane_count(network, settings, plan, devices),
        output=path,
        overwrite=overwrite,
        resume=resume,
        workers=workers,
        scheduler=scheduler,
        reduce=own,
    )


def plan_for(volume: Volume, spec: ModelSpec, settings: RunSettings, window: Window | None = None) -> Plan:
    """Plan a run of these settings over a volume, with the window of the settings or another one.

    An automatic batch size is 1 here.

    Raises
    ------
    GeometryError
        The settings do not fit the volume's shape.
    SettingsError, StorageError
        They name a file that is no window or cannot be read.
    """
    return make_plan(
        volume.spatial_shape,
        settings.patch_size,
        settings.overlap,
        border=settings.border,
        window=window or window_of(settings),
        axes=volume.spatial_axes,
        chunk=settings.chunk_size,
        batch_size=1 if settings.batch_size == "auto" else settings.batch_size,
        divisor=spec.divisor,
        smallest=settings.min_patch_size,
        pad_sides=settings.pad_sides,
        region=None if settings.region is None else parse_region(settings.region, volume),
    )


def window_of(settings: RunSettings) -> Window:
    """Return the window that settings name, or the one in the file that they name."""
    if settings.window.endswith(WINDOW_SUFFIX):
        return load_window(settings.window)
    return Window(kind=cast("WindowKind", settings.window), sigma=settings.window_sigma)


def _own_reduction(function: OwnFunction, settings: RunSettings) -> UserFunction:
    if settings.write != "labels":
        raise SettingsError(
            f"A function given as reduce decides what is stored, and so does write, which is {settings.write}; "
            "leave one of them out."
        )
    return UserFunction(function)


def _check_fit(volume: Volume, spec: ModelSpec, settings: RunSettings) -> None:
    for axis in ("t", "b"):
        if axis in volume.axes and volume.shape[volume.axes.index(axis)] > 1:
            raise AxesError(
                f"{volume.name} has {volume.shape[volume.axes.index(axis)]} positions along {axis}; "
                "select one of them first."
            )
    n = len(volume.spatial_axes)
    if spec.n_spatial is not None and n != spec.n_spatial:
        raise ModelError(
            f"The network {spec.name} works on {spec.n_spatial} spatial axes, but {volume.name} has {n} "
            f"({', '.join(volume.spatial_axes)}); choose another network or name the axes of the volume."
        )
    flipped_axes(settings.flips, volume.spatial_axes)
    if settings.channel is not None and settings.channel >= volume.n_channels:
        raise SettingsError(
            f"channel is {settings.channel}, but {volume.name} has channels 0 to {volume.n_channels - 1}; "
            "choose one of them."
        )
    channels = 1 if settings.channel is not None else volume.n_channels
    if spec.in_channels is not None and spec.in_channels != channels:
        raise ModelError(
            f"The network {spec.name} takes {spec.in_channels} channels, but {volume.name} offers {channels}; "
            "choose a channel, another volume or another network."
        )


def check_apart(path: Path | None, volume: Volume) -> None:
    """Refuse an output that would replace the input."""
    if path is None or volume.source is None or "://" in volume.source:
        return
    source, target = Path(volume.source).resolve(), path.resolve()
    if source == target or target in source.parents:
        raise SettingsError(f"output must not be the input or a folder above it, got {path}; choose another path.")


def output_path(output: str | os.PathLike[str], *, overwrite: bool, resume: bool) -> Path:
    """Return the path of an output that may be written; refuse one that is taken or not local."""
    if "://" in os.fspath(output):
        raise SettingsError(f"output must be a local folder, got {os.fspath(output)}; write locally and copy it.")
    path = Path(output)
    if not resume:
        check_free(path, overwrite=overwrite)
    return path
