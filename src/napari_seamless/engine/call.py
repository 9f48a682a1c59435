"""The whole job in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.engine.preparation import prepare
from napari_seamless.models import ModelSource, load_model
from napari_seamless.recipe import PerAxisFloat, PerAxisInt, Write, make_settings
from napari_seamless.types import Window

if TYPE_CHECKING:
    import os

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.events import OnEvent
    from napari_seamless.engine.result import Segmentation
    from napari_seamless.reduce import OwnFunction
    from napari_seamless.types import BorderMode, WindowKind

DEFAULT_PATCH = 64


def segment(  # noqa: PLR0913  the settings by name, so that editors and help() list them
    volume: Any,
    model: ModelSource,
    output: str | os.PathLike[str] | None = None,
    *,
    patch_size: PerAxisInt | None = None,
    overlap: PerAxisFloat = 0.5,
    border: BorderMode = "squeeze",
    window: WindowKind | str | os.PathLike[str] | Window = "gaussian",
    write: Write = "labels",
    device: str = "auto",
    memory_budget: int | str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    reduce: OwnFunction | None = None,
    on_event: OnEvent | None = None,
    control: Control | None = None,
    **settings: Any,
) -> Segmentation:
    r"""Segment a volume patch by patch.

    Parameters
    ----------
    volume : Volume or anything that `open_volume` takes
        The input: a path, a zarr, dask, NumPy or torch array, a napari layer.
    model : Model, path, module, callable or ``"demo"``
        The network, (batch, channel, \\*spatial) to (batch, class, \\*spatial). What a module or callable returns is
        blended as it is; name an `activation` to change that.
    output : path or None
        Folder of the OME-Zarr output; None returns the result in memory.
    patch_size : int, tuple of int or None
        Voxels that the network sees at once; None takes what the network was made for, else 64.
    window : str, path or Window
        Weight of a voxel in its patch: a name, see `RunSettings`, a file, see `save_window`, or weights of your own,
        see `Window.from_array`.
    overlap, border, write, device, memory_budget, **settings
        See `RunSettings`.
    overwrite, resume : bool
        Replace, or go on with, an output that is there.
    workers, scheduler : int or None, str or None
        Run on this many local processes, or on the cluster of this dask scheduler; the bytes are the same.
    reduce : callable or None
        A function of your own that makes what is stored of each finished chunk: ((class, \\*chunk) float32 means,
        `Box`) to labels (\\*chunk) or channels (channel, \\*chunk), called once per chunk, from several threads at
        once. One call on zeros comes first and tells the type. None stores what `write` says.
    on_event, control
        See `Job.run`.

    Returns
    -------
    Segmentation
        ``.array`` is the result, ``.timings`` the seconds by stage.

    Raises
    ------
    SeamlessError
        Something does not fit or went wrong; the text says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> result = segment(np.zeros((16, 16, 16), np.float32), lambda x: x, patch_size=8, device="cpu")
    >>> result.array.shape, result.patches
    ((16, 16, 16), 27)
    """
    own = window if isinstance(window, Window) else None
    chosen = make_settings(
        patch_size=DEFAULT_PATCH if patch_size is None else patch_size,
        overlap=overlap,
        border=border,
        **({} if own is not None else {"window": window}),
        write=write,
        device=device,
        memory_budget=memory_budget,
        **settings,
    )
    network = load_model(model)
    if patch_size is None and network.spec.patch_size is not None:
        chosen = chosen.model_copy(update={"patch_size": network.spec.patch_size})
    job = prepare(
        volume,
        network,
        chosen,
        output,
        window=own,
        overwrite=overwrite,
        resume=resume,
        workers=workers,
        scheduler=scheduler,
        reduce=reduce,
    )
    return job.run(on_event, control)
