"""The frozen types that pass between the rooms, one for each arrow of the corridor.

Boxes and plans are integers only; volumes hold lazy arrays and never voxels of their own.
Spatial axes are in array order (usually z, y, x) and every per-axis tuple follows that order.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

BorderMode = Literal["squeeze", "edge", "adaptive", "crop", "pad"]
WindowKind = Literal["gaussian", "constant", "hann", "triangle"]
PadMode = Literal[
    "constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median", "minimum"
]
PadSides = Literal["both", "end"]
Activation = Literal["none", "softmax", "sigmoid"]
NormalizationKind = Literal["none", "minmax", "zscore"]

NON_SPATIAL_AXES = frozenset({"b", "c", "t"})
"""Axis names that are not space: batch, channel, time. Every other axis name is spatial."""


@runtime_checkable
class ArrayLike(Protocol):
    """What a lazy array must offer: a shape, a dtype, and slicing that reads only what it names."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of an element."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """Read the part of the array that the slices name."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open, axis-aligned region in voxels.

    Parameters
    ----------
    start, stop : tuple of int
        First voxel, and the voxel after the last one, per spatial axis.

    Examples
    --------
    >>> box = Box((0, 8), (4, 16))
    >>> box.shape, box.size
    ((4, 8), 32)
    >>> box.intersect(Box((2, 0), (9, 9)))
    Box(start=(2, 8), stop=(4, 9))
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels; never negative."""
        return tuple(max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index into an array of the spatial axes."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def intersect(self, other: Box) -> Box:
        """Return the common part of two boxes (its size is 0 where they do not meet)."""
        return Box(
            tuple(map(max, self.start, other.start)),
            tuple(map(min, self.stop, other.stop)),
        )

    def within(self, origin: tuple[int, ...]) -> Box:
        """Return the same box in coordinates that count from `origin`."""
        return Box(
            tuple(a - o for a, o in zip(self.start, origin, strict=True)),
            tuple(b - o for b, o in zip(self.stop, origin, strict=True)),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """One pyramid level of a volume.

    Parameters
    ----------
    data : ArrayLike
        Lazy array with the volume's axes.
    spacing, translation : tuple of float
        Voxel size and position of the first voxel's centre per spatial axis, in the volume's units.
    """

    data: ArrayLike
    spacing: tuple[float, ...]
    translation: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """A lazy N-d array with named axes, spacing, units, translation and pyramid levels.

    Parameters
    ----------
    name : str
        Short name for layers and messages.
    axes : tuple of str
        One name per array axis; ``c``, ``t`` and ``b`` are not spatial, all others are.
    levels : tuple of Level
        Finest first; at least one.
    units : tuple of str or None
        Unit of each spatial axis (``"micrometer"``, ``"millimeter"``, ...), None where unknown.
    source : str or None
        Where it was opened from; None for arrays in memory.
    channels : tuple of str
        Names along the channel axis; empty where there is none or they are unknown.
    affine : numpy.ndarray or None
        (4, 4) float64 matrix from voxel (z, y, x, 1) to world (x, y, z, 1) where the format knows an orientation.
    is_labels : bool
        Whether the source says that its values are labels.
    label_names : mapping of int to str
        Class names by label value where the source has them.
    """

    name: str
    axes: tuple[str, ...]
    levels: tuple[Level, ...]
    units: tuple[str | None, ...]
    source: str | None = None
    channels: tuple[str, ...] = ()
    affine: np.ndarray[Any, np.dtype[np.float64]] | None = None
    is_labels: bool = False
    label_names: Mapping[int, str] = field(default_factory=dict)

    @property
    def data(self) -> ArrayLike:
        """The lazy array of the finest level."""
        return self.levels[0].data

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis of the finest level."""
        return tuple(int(n) for n in self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        dtype: np.dtype[Any] = np.dtype(self.data.dtype)
        return dtype

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size per spatial axis of the finest level, in `units`."""
        return self.levels[0].spacing

    @property
    def translation(self) -> tuple[float, ...]:
        """Position of the first voxel's centre per spatial axis, in `units`."""
        return self.levels[0].translation

    @property
    def spatial_axes(self) -> tuple[str, ...]:
        """Names of the spatial axes in array order."""
        return tuple(a for a in self.axes if a not in NON_SPATIAL_AXES)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Length of each spatial axis in voxels."""
        return tuple(n for a, n in zip(self.axes, self.shape, strict=True) if a not in NON_SPATIAL_AXES)

    @property
    def n_channels(self) -> int:
        """Length of the channel axis; 1 where there is none."""
        return self.shape[self.axes.index("c")] if "c" in self.axes else 1


def _one_of(names: Any) -> str:
    """Return the values of a Literal for a message."""
    *first, last = get_args(names)
    return f"{', '.join(first)} or {last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisGrid:
    """Where the patches lie along one axis.

    Parameters
    ----------
    length : int
        Voxels of the volume along this axis.
    starts, sizes : tuple of int
        First voxel and length of each patch; both the starts and the ends rise strictly or stay. Patches of the border
        mode ``pad`` may begin below 0 and end above `length`, and share a voxel with the volume all the same.
    """

    length: int
    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of patches along this axis."""
        return len(self.starts)

    @property
    def pad_width(self) -> tuple[int, int]:
        """Voxels that patches reach beyond the volume, before its first voxel and after its last one."""
        return max(0, -self.starts[0]), max(0, self.interval(len(self) - 1)[1] - self.length)

    def interval(self, index: int) -> tuple[int, int]:
        """Return first voxel and the voxel after the last one of a patch."""
        return self.starts[index], self.starts[index] + self.sizes[index]

    def touching(self, lo: int, hi: int) -> range:
        """Return the indices of the patches that share a voxel with ``[lo, hi)``."""
        first = bisect_right(range(len(self)), lo, key=lambda i: self.interval(i)[1])
        return range(first, max(first, bisect_left(self.starts, hi)) if lo < hi else first)


def _outside(grid: AxisGrid) -> Iterator[int]:
    """Yield the voxels of each patch that lie beyond the volume."""
    for i in range(len(grid)):
        a, b = grid.interval(i)
        yield max(0, -a) + max(0, b - grid.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A blending weight inside a patch.

    Parameters
    ----------
    kind : {"gaussian", "constant", "hann", "triangle", "array"}
        Shape of the weight; `from_array` makes an ``"array"``.
    sigma : float
        Standard deviation of the gaussian as a part of the patch size, > 0.
    floor : float
        Smallest weight of the gaussian, in (0, 1]: far corners keep a say where nothing else covers them.
    values : bytes
        The weights of an ``"array"``, float64 in C order; empty for every other kind.
    size : tuple of int
        Shape of `values`; empty for every other kind.
    """

    kind: WindowKind | Literal["array"] = "gaussian"
    sigma: float = 0.125
    floor: float = 1e-3
    values: bytes = field(default=b"", repr=False)
    size: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in {*get_args(WindowKind), "array"}:
            raise SettingsError(f"The window must be {_one_of(WindowKind)}, got {self.kind!r}; try gaussian.")
        if (self.kind == "array") != bool(self.values) or len(self.values) != 8 * math.prod(self.size or (0,)):
            raise SettingsError("A window of given weights is made with Window.from_array; no other kind has values.")
        if not (self.sigma > 0 and 0 < self.floor <= 1):
            raise SettingsError(
                f"A window needs sigma above 0 and floor in (0, 1], got {self.sigma:g} and {self.floor:g}; "
                "try 0.125 and 0.001."
            )

    @classmethod
    def from_array(cls, weights: Any) -> Window:
        """Make a window of given weights.

        Parameters
        ----------
        weights : array-like
            One finite weight above 0 for each voxel of a patch; no smaller patches exist beside them.

        Raises
        ------
        SettingsError
            A weight is zero, negative or not finite, so that a voxel that only one patch covers would be lost.

        Examples
        --------
        >>> window = Window.from_array([[1, 2], [2, 4]])
        >>> window.kind, window.size
        ('array', (2, 2))
        """
        values = np.ascontiguousarray(weights, dtype=np.float64)
        if values.size == 0 or not (np.isfinite(values).all() and values.min() > 0):
            raise SettingsError(
                "A window needs finite weights above 0 at every voxel of a patch, got other values; "
                "raise the smallest ones to 0.001 times the largest."
            )
        return cls(kind="array", values=values.tobytes(), size=values.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """What the border mode ``pad`` puts beyond the volume, in the words of `numpy.pad`.

    Parameters
    ----------
    mode : {"constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median", "minimum"}
        Where the values come from. NumPy's ``"empty"`` is refused: what it holds changes from run to run.
    value : float
        The value of ``"constant"``, and the one that ``"linear_ramp"`` ends with.
    stat_length : int, tuple of int or None
        Voxels at the volume's edge that ``"maximum"``, ``"mean"``, ``"median"`` and ``"minimum"`` look at, per axis.
        They need it: the statistic of whole axes would read the whole volume for the patch at a corner.
    reflect_type : {"even", "odd"}
        Whether ``"reflect"`` and ``"symmetric"`` repeat values or continue their slope.
    width : tuple of (int, int)
        Voxels by which the whole volume is padded, before and after it per spatial axis: `Plan.pad_width`.

    Raises
    ------
    SettingsError
        The mode is unknown, or needs a `stat_length`.
    """

    mode: PadMode = "constant"
    value: float = 0.0
    stat_length: int | tuple[int, ...] | None = None
    reflect_type: Literal["even", "odd"] = "even"
    width: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in get_args(PadMode):
            raise SettingsError(f"The padding mode must be {_one_of(PadMode)}, got {self.mode!r}; try reflect.")
        if self.reflect_type not in {"even", "odd"}:
            raise SettingsError(f"reflect_type must be even or odd, got {self.reflect_type!r}; try even.")
        if not self.is_statistic:
            return
        lengths = self.stat_length if isinstance(self.stat_length, tuple) else (self.stat_length,)
        if any(n is None or n < 1 for n in lengths):
            raise SettingsError(
                f"The padding mode {self.mode} needs a stat_length of at least 1, got {self.stat_length}: that "
                "of whole axes would read the whole volume for a patch at its corner; try the patch size."
            )

    @property
    def is_statistic(self) -> bool:
        """Whether the values are a statistic of the voxels at the edge."""
        return self.mode in {"maximum", "mean", "median", "minimum"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The geometry of a run as data: integers, no voxels.

    Parameters
    ----------
    axes : tuple of str
        Names of the spatial axes.
    grids : tuple of AxisGrid
        One per spatial axis; the patches are their Cartesian product in raster order.
    patch_size : tuple of int
        Nominal patch size; `adaptive` grids may hold smaller patches.
    step : tuple of int
        Nominal distance between patch origins.
    border : str
        The border mode that made the grids.
    window : Window
        The blending weight.
    chunk : tuple of int
        Output chunk in voxels: what is written once.
    batch_size : int
        Patches per forward pass; batches never cross a row of the slowest axis.
    """

    axes: tuple[str, ...]
    grids: tuple[AxisGrid, ...]
    patch_size: tuple[int, ...]
    step: tuple[int, ...]
    border: BorderMode
    window: Window
    chunk: tuple[int, ...]
    batch_size: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the volume per spatial axis."""
        return tuple(grid.length for grid in self.grids)

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Patches per spatial axis."""
        return tuple(len(grid) for grid in self.grids)

    @property
    def n_patches(self) -> int:
        """Patches in the whole plan."""
        return math.prod(self.grid_shape)

    @property
    def chunk_grid(self) -> tuple[int, ...]:
        """Output chunks per spatial axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True))

    @property
    def evaluations_per_voxel(self) -> float:
        """Mean number of patches that cover a voxel of the volume."""
        covered = (sum(grid.sizes) - sum(_outside(grid)) for grid in self.grids)
        return math.prod(covered) / math.prod(self.shape)

    @property
    def pad_width(self) -> tuple[tuple[int, int], ...]:
        """Voxels that patches reach beyond the volume, before and after it, per spatial axis."""
        return tuple(grid.pad_width for grid in self.grids)

    def patch_box(self, index: tuple[int, ...]) -> Box:
        """Return where the patch with this index (per axis) lies."""
        intervals = [grid.interval(i) for grid, i in zip(self.grids, index, strict=True)]
        return Box(tuple(a for a, _ in intervals), tuple(b for _, b in intervals))

    def chunk_box(self, index: tuple[int, ...]) -> Box:
        """Return the voxels of the output chunk with this index, cut at the volume's end."""
        start = tuple(i * c for i, c in zip(index, self.chunk, strict=True))
        stop = tuple(min(a + c, n) for a, c, n in zip(start, self.chunk, self.shape, strict=True))
        return Box(start, stop)

    def touching(self, box: Box) -> tuple[range, ...]:
        """Return the patch indices per axis whose patches share a voxel with `box`."""
        return tuple(grid.touching(a, b) for grid, a, b in zip(self.grids, box.start, box.stop, strict=True))

    def chunks_touching(self, box: Box) -> Iterator[tuple[int, ...]]:
        """Yield the indices of the output chunks that share a voxel with `box`, in raster order."""
        ranges = [
            range(max(a, 0) // c, -(-min(b, n) // c))
            for a, b, c, n in zip(box.start, box.stop, self.chunk, self.shape, strict=True)
        ]
        shape = tuple(len(r) for r in ranges)
        for offset in np.ndindex(*shape):
            yield tuple(r[i] for r, i in zip(ranges, offset, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """How intensities become what the network was trained on: ``(x - offset) * gain`` per channel.

    Parameters
    ----------
    kind : {"none", "minmax", "zscore"}
        Keep values; scale the whole volume's range to [0, 1]; or zero mean and unit standard deviation over the
        whole volume. Never per patch: that would make the result depend on the grid.
    """

    kind: NormalizationKind = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    r"""What the engine must know of a network before it runs.

    Parameters
    ----------
    name : str
        Short name for messages and metadata.
    n_spatial : int or None
        Spatial axes of its input (batch, channel, \\*spatial); None where only a forward pass can tell.
    in_channels, out_channels : int or None
        Channels in and out; None where only a forward pass can tell.
    classes : tuple of str
        Names of the output classes, background first; empty where unknown.
    colors : tuple of (int, int, int, int)
        RGBA in 0..255 per class; empty where unknown.
    divisor : tuple of int
        Patch sizes must be multiples of this, per axis; one value stands for all axes.
    normalization : Normalization
        Applied to the input.
    activation : {"none", "softmax", "sigmoid"}
        Applied by the adapter to the network's output before blending.
    patch_size : tuple of int or None
        A patch size that the network was made for.
    sha256 : str or None
        Hash of weights and architecture; None for a callable that has none.
    source : str or None
        Path or name it was loaded from.
    """

    name: str
    n_spatial: int | None = None
    in_channels: int | None = None
    out_channels: int | None = None
    classes: tuple[str, ...] = ()
    colors: tuple[tuple[int, int, int, int], ...] = ()
    divisor: tuple[int, ...] = (1,)
    normalization: Normalization = field(default_factory=Normalization)
    activation: Activation = "none"
    patch_size: tuple[int, ...] | None = None
    sha256: str | None = None
    source: str | None = None


@runtime_checkable
class Model(Protocol):
    """A network as the engine sees it: a spec, a device, and one call."""

    @property
    def spec(self) -> ModelSpec:
        """What the engine must know before it runs."""
        ...

    def to(self, device: torch.device) -> None:
        """Move the weights to a device."""
        ...

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        r"""Map float32 (batch, channel, \\*spatial) to (batch, class, \\*spatial) on the same device."""
        ...
