"""What a person can choose about a distance map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from napari_seamless.distance import Convention, Measure
from napari_seamless.engine.setting_checks import bytes_to_hold, flat, is_number, is_whole
from napari_seamless.engine.threads import available_cores
from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Volume

_LEAST_BUDGET = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceSettings:
    """Settings of a distance map, checked when they are made.

    Parameters
    ----------
    spacing : float or sequence of float or None
        Voxel size per spatial axis; None takes that of the labels.
    classes : sequence of int or None
        Label values in the order of the maps; None: 0 to the largest label, which must be below 64.
    convention : {"published", "exact"}
        What is measured: see `signed_distance_map`.
    max_distance : float or None
        Distances are cut at this value on both sides; None keeps all.
    memory_budget : int or str or None
        Bytes, or a size such as "2GiB", for what is held beside the program itself. None: half of what is free.
    chunk_size : int or sequence of int or None
        Output chunk in voxels; None chooses 64 per axis, at most the volume.
    threads : int or None
        Threads; None: one for each core.

    Raises
    ------
    SettingsError
        A value is out of range.

    Examples
    --------
    >>> DistanceSettings(classes=[2, 1], memory_budget="2GiB").budget_bytes
    2147483648
    """

    spacing: float | Sequence[float] | None = None
    classes: Sequence[int] | None = None
    convention: Convention = "published"
    max_distance: float | None = None
    memory_budget: int | str | None = None
    chunk_size: int | Sequence[int] | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.convention not in get_args(Convention):
            raise SettingsError(f'convention must be "published" or "exact", got {self.convention!r}.')
        for size in flat(self.spacing):
            if not (is_number(size) and 0 < size < math.inf):
                raise SettingsError(f"spacing must be a length above 0 per axis, got {size!r}; try 1.")
        if self.max_distance is not None and not (is_number(self.max_distance) and 0 < self.max_distance < math.inf):
            raise SettingsError(
                f"max_distance must be a length above 0 in the unit of the spacing, got {self.max_distance!r}; "
                "leave it out to keep all distances."
            )
        if self.threads is not None and not (is_whole(self.threads) and self.threads >= 1):
            raise SettingsError(f"threads must be a whole number of at least 1, got {self.threads!r}.")
        _check_classes(self.classes)
        for size in flat(self.chunk_size):
            if not (is_whole(size) and size >= 1):
                raise SettingsError(f"chunk_size must be at least 1 voxel per axis, got {size!r}; try 64.")
        if self.budget_bytes < _LEAST_BUDGET:
            raise SettingsError(f"memory_budget must be at least 1 MiB, got {self.memory_budget!r}; try 2GiB.")

    @property
    def budget_bytes(self) -> int:
        """Bytes that may be held."""
        return bytes_to_hold(self.memory_budget)

    @property
    def labels(self) -> tuple[int, ...] | None:
        """The classes as plain integers."""
        return None if self.classes is None else tuple(int(value) for value in self.classes)

    @property
    def n_threads(self) -> int:
        """Threads."""
        return available_cores() if self.threads is None else self.threads

    def measure(self, volume: Volume) -> Measure:
        """Return what is measured over a volume."""
        limit = math.inf if self.max_distance is None else float(self.max_distance)
        return Measure(spacing=volume.spacing, convention=self.convention, limit=limit)

    def chunk(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output chunk.

        Raises
        ------
        SettingsError
            There is not one size for each axis.
        """
        size = 64 if self.chunk_size is None else self.chunk_size
        sizes = (int(size),) * len(shape) if isinstance(size, int | np.integer) else tuple(int(n) for n in size)
        if len(sizes) != len(shape):
            raise SettingsError(
                f"chunk_size must be a number or one number for each of {len(shape)} spatial axes, got {size!r}."
            )
        return tuple(map(min, sizes, shape))


def _check_classes(classes: Any) -> None:
    if classes is None:
        return
    values = [classes] if isinstance(classes, str) or not np.iterable(classes) else list(classes)
    if isinstance(classes, str) or not np.iterable(classes) or not values or not all(map(is_whole, values)):
        raise SettingsError(f"classes must be label values such as [1, 2], got {classes!r}.")
    if len(set(values)) < len(values):
        raise SettingsError(f"classes must name each label once, got {values}.")
