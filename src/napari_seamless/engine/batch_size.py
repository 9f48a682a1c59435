"""How many patches to evaluate at once where the settings leave it open."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
import zarr

from napari_seamless.engine.precision import computing_in, reduced_type
from napari_seamless.models import is_out_of_memory
from napari_seamless.sinks import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_seamless.recipe import Precision
    from napari_seamless.types import Model

LARGEST = 32
GAIN = 0.05
"""By how much a patch must become quicker for a batch of twice the size."""
MEMORY_SHARE = 0.6
"""Part of a device's free memory that a batch may take; the rest is for the sums and for what varies."""

_measured: WeakKeyDictionary[Model, dict[tuple[object, ...], int]] = WeakKeyDictionary()


def choose_batch_size(
    model: Model, device: torch.device, patch_size: tuple[int, ...], channels: int, precision: Precision = "auto"
) -> int:
    """Return how many patches are worth evaluating at once; measured once for each network and patch size.

    Parameters
    ----------
    model : Model
        The network; it is moved to a CUDA device, and stays where it is otherwise.
    device : torch.device
        Where the network runs.
    patch_size : tuple of int
        Voxels per spatial axis.
    channels : int
        Channels of the input.
    precision : {"auto", "float32", "bfloat16", "float16"}
        As in the run.

    Returns
    -------
    int
        1 but on CUDA: processor cores evaluate patches side by side instead. Measured on zeros, so that values whose
        cost depends on them are not seen.

    Raises
    ------
    ModelError
        The network refuses such a patch.

    Examples
    --------
    >>> from napari_seamless.models import load_model
    >>> choose_batch_size(load_model("demo"), torch.device("cpu"), (64, 64, 64), 1)
    1
    """
    if device.type != "cuda":
        return 1
    try:
        known = _measured.setdefault(model, {})
    except TypeError:  # a foreign model that cannot be a key is measured every time
        known = {}
    key = (str(device), patch_size, channels, precision)
    if key not in known:
        model.to(device)
        timing = _CudaTiming(model, device, (channels, *patch_size), reduced_type(precision, device))
        known[key] = largest_worthwhile(timing)
        torch.cuda.empty_cache()
    return known[key]


def largest_worthwhile(seconds: Callable[[int], float | None]) -> int:
    """Return the last of 1, 2, 4, ... up to `LARGEST` that still makes a patch quicker by `GAIN`.

    Parameters
    ----------
    seconds : callable
        Batch size to seconds of a whole batch; None where there is no memory for it.

    Examples
    --------
    >>> largest_worthwhile(lambda size: 1.0 + size)
    16
    >>> largest_worthwhile(lambda size: None if size > 4 else 1.0)
    4
    """
    best, quickest = 1, math.inf
    size = 1
    while size <= LARGEST:
        taken = seconds(size)
        if taken is None or taken / size > (1 - GAIN) * quickest:
            break
        best, quickest = size, taken / size
        size *= 2
    return best


def recorded_batch_size(output: Path) -> int | None:
    """Return the batch size of the run that made an OME-Zarr output; None where that is not known.

    Parameters
    ----------
    output : pathlib.Path
        The group's folder.
    """
    try:
        group = zarr.open_group(output, mode="r", use_consolidated=False)
    except (OSError, ValueError):  # not there, or no Zarr: resuming says so itself
        return None
    record = group.attrs.get(METADATA_KEY)
    run = record.get("run") if isinstance(record, dict) else None
    size = run.get("batch_size") if isinstance(run, dict) else None
    return size if isinstance(size, int) and size > 0 else None


class _CudaTiming:
    """Seconds of a batch of zeros on a CUDA device."""

    def __init__(self, model: Model, device: torch.device, patch: tuple[int, ...], dtype: torch.dtype | None) -> None:
        self._model = model
        self._device = device
        self._patch = patch
        self._dtype = dtype

    def __call__(self, size: int) -> float | None:
        """Return seconds, or None where the batch takes more than its share of the memory."""
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info(self._device)
        before = torch.cuda.memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        try:
            seconds = self._best_of_three(size)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        taken = torch.cuda.max_memory_allocated(self._device) - before
        return seconds if taken <= MEMORY_SHARE * free else None

    def _best_of_three(self, size: int) -> float:
        voxels = torch.zeros(size, *self._patch, device=self._device)
        seconds = math.inf
        for _ in range(4):  # the first one warms up: kernels are chosen then
            torch.cuda.synchronize(self._device)
            begin = time.perf_counter()
            with torch.inference_mode(), computing_in(self._dtype, self._device):
                self._model(voxels)
            torch.cuda.synchronize(self._device)
            seconds = min(seconds, time.perf_counter() - begin)
        return seconds
