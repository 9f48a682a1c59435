"""What a person can choose about meshes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_seamless.engine.setting_checks import bytes_to_hold, flat, is_number, is_whole
from napari_seamless.engine.threads import available_cores
from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["labels", "probabilities", "distance"]

LEVELS: dict[Kind, float] = {"probabilities": 0.5, "distance": 0.0}
"""What is inside where nothing is said: above one half, or below a distance of zero."""
_LEAST_BUDGET = 2**24
_DEFAULT_BLOCK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSettings:
    """Settings of meshes, checked when they are made.

    Parameters
    ----------
    labels : sequence of int or None
        Label values, or channels of a field; None: every label but 0, or every channel but the first of several.
    kind : {"labels", "probabilities", "distance"} or None
        What the voxels are. None: labels where they are integers without channels, a distance map where the store says
        so, else probabilities.
    level : float or None
        Where the surface of a field lies: inside is above it for probabilities, below it for distances. None: 0.5
        and 0. For probabilities stored as integers the largest integer is 1.
    region : str, Box, sequence of slices or None
        Part of the volume, as `parse_region` takes it; what lies beyond counts as outside.
    scale : int
        Level of the volume's pyramid, 0 the finest.
    spacing : float or sequence of float or None
        Voxel size per axis; None takes that of the volume.
    closed : bool
        Whether a surface is closed where an object reaches the border of the volume.
    fill_cavities : bool
        Drop surfaces that lie inside an object.
    min_volume : float
        Drop components that enclose less, in cubes of the unit.
    smoothing : int or None
        Iterations; None: the default for labels, none for fields. 0: none.
    triangles : int or None
        Triangles that each surface may have.
    max_error : float or None
        Largest distance, in the unit, by which simplification may move a surface.
    values : mapping of str to volume
        What is sampled at the vertices, by name: anything that `open_volume` takes, with one
        channel; `spacing` is theirs, too.
    memory_budget : int or str or None
        Bytes, or a size such as "2GiB", for what is held beside the program itself. None: half of what is free.
    block_size : int or sequence of int or None
        Voxels per axis of the blocks that the volume is cut into; changes nothing else. None: 128.
    threads : int or None
        Threads; None: one for each core.

    Raises
    ------
    SettingsError
        A value is out of range.

    Examples
    --------
    >>> MeshSettings(labels=[3], max_error=0.5).smoothing_of("probabilities")
    0
    """

    labels: Sequence[int] | None = None
    kind: Kind | None = None
    level: float | None = None
    region: Any = None
    scale: int = 0
    spacing: float | Sequence[float] | None = None
    closed: bool = True
    fill_cavities: bool = False
    min_volume: float = 0.0
    smoothing: int | None = None
    triangles: int | None = None
    max_error: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    memory_budget: int | str | None = None
    block_size: int | Sequence[int] | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in get_args(Kind):
            raise SettingsError(f'kind must be "labels", "probabilities" or "distance", got {self.kind!r}.')
        if self.kind == "labels" and self.level is not None:
            raise SettingsError(f"level is for probabilities and distance maps, got {self.level!r} with labels.")
        if self.labels is not None and not (flat(self.labels) and all(map(is_whole, flat(self.labels)))):
            raise SettingsError(f"labels must be label values such as [1, 2], got {self.labels!r}.")
        self._check_whole_numbers()
        self._check_lengths()
        if len(flat(self.block_size)) not in {0, 1, 3}:
            raise SettingsError(f"block_size must be one number or three, got {self.block_size!r}.")
        if self.budget_bytes < _LEAST_BUDGET:
            raise SettingsError(f"memory_budget must be at least 16 MiB, got {self.memory_budget!r}; try 2GiB.")

    def _check_whole_numbers(self) -> None:
        least = {"triangles": 4, "threads": 1, "smoothing": 0, "scale": 0, "block_size": 1}
        for name, smallest in least.items():
            for value in flat(getattr(self, name)):
                if not (is_whole(value) and value >= smallest):
                    raise SettingsError(f"{name} must be a whole number of at least {smallest}, got {value!r}.")

    def _check_lengths(self) -> None:
        for size in flat(self.spacing):
            if not (is_number(size) and 0 < size < math.inf):
                raise SettingsError(f"spacing must be a length above 0 per axis, got {size!r}; try 1.")
        if self.level is not None and not (is_number(self.level) and math.isfinite(self.level)):
            raise SettingsError(f"level must be a number, got {self.level!r}; try 0.5 for probabilities.")
        if not (is_number(self.min_volume) and 0 <= self.min_volume < math.inf):
            raise SettingsError(f"min_volume must be a volume of at least 0, got {self.min_volume!r}.")
        if self.max_error is not None and not (is_number(self.max_error) and 0 < self.max_error < math.inf):
            raise SettingsError(
                f"max_error must be a distance above 0 in the unit of the volume, got {self.max_error!r}; "
                "leave it out to keep every triangle."
            )

    @property
    def budget_bytes(self) -> int:
        """Bytes that may be held."""
        return bytes_to_hold(self.memory_budget)

    @property
    def n_threads(self) -> int:
        """Threads."""
        return available_cores() if self.threads is None else self.threads

    @property
    def block(self) -> tuple[int, int, int]:
        """Voxels of a block per axis."""
        sizes = [int(n) for n in flat(self.block_size)] or [_DEFAULT_BLOCK]
        return (sizes[0], sizes[0], sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1], sizes[2])

    @property
    def chosen(self) -> tuple[int, ...] | None:
        """The labels as plain integers, each once, in rising order."""
        return None if self.labels is None else tuple(sorted({int(value) for value in flat(self.labels)}))

    def smoothing_of(self, kind: Kind) -> int | None:
        """Return the iterations of smoothing, None for as many as are best for labels."""
        return self.smoothing if self.smoothing is not None or kind == "labels" else 0
