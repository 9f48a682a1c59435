"""What a person can choose about the inference of an OSS-Net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_seamless.engine.setting_checks import bytes_to_hold, flat, is_number, is_whole
from napari_seamless.errors import SettingsError
from napari_seamless.models.oss_net import Stages

if TYPE_CHECKING:
    from collections.abc import Sequence

Scaling = Literal["zscore", "none"]

_LEAST_BUDGET = 2**26
_MOST_BATCH_BYTES = 2**28


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancySettings:
    """Settings of a run of an OSS-Net, checked when they are made.

    Parameters
    ----------
    stages : sequence of int
        Voxels between the points of each stage, each a divisor of the one before; the last is 1.
    threshold : float
        Voxels whose occupancy exceeds it are inside, 0..1.
    low_resolution_threshold : float or None
        With a low-resolution head: the first stage evaluates only where its answer exceeds this, 0.5 in the
        publication. None evaluates every point of the first stage.
    large_patch_pooling : {"mean", "max"} or None
        How large patches are pooled. None: as the weights were trained, *mean* for published ones.
    normalization : {"zscore", "none"}
        Whether each modality is brought to mean 0 and variance 1 over the whole volume, or taken as it is.
    memory_budget : int or str or None
        Bytes, or a size such as "2GiB", for what is held beside the program itself. None: half of what is free.
    chunk_size : int or sequence of int or None
        Output chunk in voxels; None chooses 64 per axis, at most the volume.
    device : str
        ``"auto"``, or a torch device.

    Raises
    ------
    SettingsError
        A value is out of range.

    Examples
    --------
    >>> OccupancySettings(stages=(8, 4, 2, 1)).plan.spacings
    (8, 4, 2, 1)
    """

    stages: Sequence[int] = (4, 2, 1)
    threshold: float = 0.5
    low_resolution_threshold: float | None = None
    large_patch_pooling: Literal["mean", "max"] | None = None
    normalization: Scaling = "zscore"
    memory_budget: int | str | None = None
    chunk_size: int | Sequence[int] | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        stages = [self.stages] if isinstance(self.stages, int) else list(self.stages)
        if not all(map(is_whole, stages)):
            raise SettingsError(f"stages must be whole numbers such as 4, 2, 1, got {self.stages!r}.")
        object.__setattr__(self, "stages", tuple(int(n) for n in stages))
        _check_share("threshold", self.threshold)
        if self.low_resolution_threshold is not None:
            _check_share("low_resolution_threshold", self.low_resolution_threshold)
        Stages(spacings=tuple(self.stages), threshold=self.threshold)
        if self.large_patch_pooling not in {None, "mean", "max"}:
            raise SettingsError(f'large_patch_pooling must be "mean" or "max", got {self.large_patch_pooling!r}.')
        if self.normalization not in get_args(Scaling):
            raise SettingsError(f'normalization must be "zscore" or "none", got {self.normalization!r}.')
        for size in self._chunks:
            if not (is_whole(size) and size >= 1):
                raise SettingsError(f"chunk_size must be at least 1 voxel per axis, got {size!r}; try 64.")
        if len(self._chunks) not in {1, 3}:
            raise SettingsError(f"chunk_size must be one number or three, got {self.chunk_size!r}.")
        if self.budget_bytes < _LEAST_BUDGET:
            raise SettingsError(f"memory_budget must be at least 64 MiB, got {self.memory_budget!r}; try 2GiB.")

    @property
    def plan(self) -> Stages:
        """The stages with their threshold."""
        return Stages(spacings=tuple(self.stages), threshold=self.threshold)

    @property
    def budget_bytes(self) -> int:
        """Bytes that may be held."""
        held = bytes_to_hold(self.memory_budget)
        return held if self.memory_budget is not None else max(_LEAST_BUDGET, held)

    @property
    def batch_bytes(self) -> int:
        """Bytes that the values of one batch of coordinates may take."""
        return min(_MOST_BATCH_BYTES, self.budget_bytes // 8)

    def chunk(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output chunk of a volume of this shape."""
        sizes = self._chunks if len(self._chunks) == 3 else self._chunks * 3
        return tuple(max(1, min(int(size), edge)) for size, edge in zip(sizes, shape, strict=True))

    @property
    def _chunks(self) -> list[Any]:
        size: Any = 64 if self.chunk_size is None else self.chunk_size
        return flat(size)


def _check_share(name: str, value: Any) -> None:
    if not (is_number(value) and 0 <= value <= 1):
        raise SettingsError(f"{name} must be a number of 0 to 1, got {value!r}; try 0.5.")
