"""A setting that may be chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_seamless.recipe import RunSettings, make_settings
from napari_seamless.types import BorderMode, Window, WindowKind

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERLAPS = (0.0, 0.25, 0.5, 0.75)
WINDOWS: tuple[WindowKind, ...] = ("gaussian", "constant", "hann", "triangle")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Patch size, overlap, border mode and window.

    Parameters
    ----------
    patch_size : tuple of int
        Voxels per spatial axis; one value stands for all.
    overlap : float or tuple of float
        1 - step / patch size, in [0, 1).
    border : {"squeeze", "edge", "adaptive", "crop", "pad"}
        With ``edge`` the patches of a coarser step are among those of a finer one that divides it.
    window : Window or str
        Weight of a voxel in its patch; a name stands for the window of that kind.
    name : str
        What a window of given weights is called; every other one is called by its kind.

    Examples
    --------
    >>> Candidate((64,), 0.5).words
    'patch 64, overlap 0.5, border edge, window gaussian'
    """

    patch_size: tuple[int, ...]
    overlap: float | tuple[float, ...] = 0.5
    border: BorderMode = "edge"
    window: Window | WindowKind = field(default_factory=Window)
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patch_size", tuple(self.patch_size))
        if not isinstance(self.overlap, int | float):
            object.__setattr__(self, "overlap", tuple(self.overlap))
        if not isinstance(self.window, Window):
            object.__setattr__(self, "window", Window(kind=self.window))
        if not self.shape.is_given:
            object.__setattr__(self, "name", "")

    @property
    def shape(self) -> Window:
        """The window as weights, never as a name."""
        return self.window if isinstance(self.window, Window) else Window(kind=self.window)

    @property
    def words(self) -> str:
        """The setting in words."""
        size = _short(self.patch_size)
        overlap = self.overlap if isinstance(self.overlap, tuple) else (self.overlap,)
        kind = self.name or ("made of weights" if self.shape.is_given else self.shape.kind)
        return f"patch {size}, overlap {_short(overlap)}, border {self.border}, window {kind}"

    def settings(self, base: RunSettings, **others: object) -> RunSettings:
        """Return the settings of a run with this choice.

        Parameters
        ----------
        base : RunSettings
            Everything else.
        **others
            Fields to replace beside the choice.

        Raises
        ------
        SettingsError
            A value is out of its range.
        """
        window = self.shape
        own = {} if window.is_given else {"window": window.kind, "window_sigma": window.sigma}
        chosen = {"patch_size": self.patch_size, "overlap": self.overlap, "border": self.border}
        given = {name: getattr(base, name) for name in base.model_fields_set}
        return make_settings(**given | chosen | own | others)


def lattice_candidates(
    patch_size: tuple[int, ...],
    *,
    overlaps: tuple[float | tuple[float, ...], ...] = OVERLAPS,
    borders: tuple[BorderMode, ...] = ("edge",),
    windows: tuple[Window | WindowKind, ...] = WINDOWS,
) -> Iterator[Candidate]:
    """Yield every combination for a patch size.

    Examples
    --------
    >>> sum(1 for _ in lattice_candidates((64, 64, 64)))
    16
    """
    for border in borders:
        for overlap in overlaps:
            for window in windows:
                yield Candidate(patch_size, overlap, border, window)


def _short(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else " x ".join(f"{value:g}" for value in values)
