"""What a person can choose about instances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from napari_seamless.engine.distance import DistanceSettings
from napari_seamless.engine.setting_checks import is_number, is_whole
from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

Method = Literal["components", "watershed"]

_LARGEST_CHUNK = 2**28
"""Voxels: what is compressed at once must stay below 2 GiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSettings:
    """Settings of instances, checked when they are made.

    Parameters
    ----------
    method : {"components", "watershed"}
        Connected components of the foreground; or these, cut where objects touch, by a seeded watershed on the distance
        to the border of the foreground.
    label_value : int or None
        The label that is foreground; None: every label but 0.
    connectivity : int
        Voxels that share a face (1), an edge (2) or a corner (3) touch; at most the number of spatial axes.
    min_size : int
        Instances of fewer voxels are dropped.
    min_distance : float or None
        Watershed: a maximum of the depth stands for no instance where a deeper one of the same component is no farther
        away than this, in the unit of the spacing. None: where it lies in the ball around a deeper one that just fits
        into the foreground.
    spacing : float or sequence of float or None
        Voxel size per spatial axis; None takes that of the labels.
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
    >>> InstanceSettings(method="watershed", min_distance=5).connectivity
    1
    """

    method: Method = "components"
    label_value: int | None = None
    connectivity: int = 1
    min_size: int = 1
    min_distance: float | None = None
    spacing: float | Sequence[float] | None = None
    memory_budget: int | str | None = None
    chunk_size: int | Sequence[int] | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise SettingsError(f'method must be "components" or "watershed", got {self.method!r}.')
        if self.label_value is not None and not is_whole(self.label_value):
            raise SettingsError(f"label_value must be a whole number such as 1, got {self.label_value!r}.")
        if not (is_whole(self.connectivity) and 1 <= self.connectivity <= 3):
            raise SettingsError(
                f"connectivity must be 1 (faces), 2 (edges) or 3 (corners), got {self.connectivity!r}; try 1."
            )
        if not (is_whole(self.min_size) and self.min_size >= 1):
            raise SettingsError(f"min_size must be a whole number of voxels of at least 1, got {self.min_size!r}.")
        self._check_distance()
        self.distances  # noqa: B018  spacing, budget, chunk and threads are checked there

    def _check_distance(self) -> None:
        if self.min_distance is None:
            return
        if self.method != "watershed":
            raise SettingsError(
                f'min_distance is for the method "watershed", got {self.min_distance!r} with {self.method!r}; '
                "leave one of them out."
            )
        if not (is_number(self.min_distance) and 0 <= self.min_distance < math.inf):
            raise SettingsError(
                f"min_distance must be a length of at least 0 in the unit of the spacing, got {self.min_distance!r}."
            )

    @property
    def distances(self) -> DistanceSettings:
        """The depth of the foreground, or the distance from the background, as a distance map."""
        return DistanceSettings(
            spacing=self.spacing,
            classes=[0 if self.label_value is None else int(self.label_value)],
            convention="exact",
            memory_budget=self.memory_budget,
            chunk_size=self.chunk_size,
            threads=self.threads,
        )

    @property
    def budget_bytes(self) -> int:
        """Bytes that may be held."""
        return self.distances.budget_bytes

    @property
    def n_threads(self) -> int:
        """Threads."""
        return self.distances.n_threads

    def chunk(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output chunk of volumes of a shape.

        Raises
        ------
        SettingsError
            There is not one size for each axis, a chunk is too large, or voxels cannot touch in this way.
        """
        chunk = self.distances.chunk(shape)
        if math.prod(chunk) > _LARGEST_CHUNK:
            raise SettingsError(f"chunk_size must be at most 2^28 voxels together, got {chunk}; try 64.")
        if self.connectivity > len(shape):
            raise SettingsError(
                f"connectivity must be at most {len(shape)} for {len(shape)} spatial axes, got {self.connectivity}."
            )
        return chunk
