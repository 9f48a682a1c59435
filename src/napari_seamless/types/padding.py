"""What stands beyond the volume where a patch reaches out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from napari_seamless.errors import SettingsError
from napari_seamless.types.choices import one_of

PadMode = Literal[
    "constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median", "minimum"
]
PadSides = Literal["both", "end"]


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
            raise SettingsError(f"The padding mode must be {one_of(PadMode)}, got {self.mode!r}; try reflect.")
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
