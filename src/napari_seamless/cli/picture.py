"""Three orthogonal slices of image, reference and result side by side, for a machine without a display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.cli.png import new_figure, save_png
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_seamless.types import Volume

_BACKGROUND = "black"
_TEXT = "#e8e6e3"
_QUIET = "#9a9a9a"
_OPACITY = 0.8
_COLUMN_INCHES = 3.3
_TITLE_INCHES = 0.85
_CAPTION_INCHES = 0.7

Image = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """What a picture shows.

    Parameters
    ----------
    image : Volume
        Three spatial axes; the backdrop of every panel.
    columns : mapping of str to Volume
        Labels by title, of the image's shape, drawn over the image; the slices are those where the first one has
        the most labels.
    classes : sequence of str
        Names of the labels, background first.
    colors : sequence of (int, int, int, int)
        RGBA in 0..255 by label; the background is not drawn.
    notes : mapping of str to str
        Small text below the titles of some columns.
    caption : str
        Line below the panels.
    """

    image: Volume
    columns: Mapping[str, Volume]
    classes: Sequence[str]
    colors: Sequence[tuple[int, int, int, int]]
    notes: Mapping[str, str]
    caption: str


def save_picture(panels: Panels, path: Path) -> None:
    """Draw one row for each axis, one column for the image, and one for each label volume.

    Parameters
    ----------
    panels : Panels
        What to draw.
    path : pathlib.Path
        PNG file to write.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    StorageError
        The file cannot be written.
    """
    figure = new_figure("demo", facecolor=_BACKGROUND)
    _draw(figure, panels)
    save_png(figure, path)


def _draw(figure: Any, panels: Panels) -> None:
    view = _view(panels)
    sizes = [_extent(panels.image, view.crop, axis) for axis in range(3)]
    n_columns = 1 + len(panels.columns)
    widest = max(width for _, width in sizes)
    heights = [_COLUMN_INCHES * height / widest for height, _ in sizes]
    total = sum(heights) + _TITLE_INCHES + _CAPTION_INCHES
    figure.set_size_inches(_COLUMN_INCHES * n_columns, total)
    figure.set_dpi(140)
    rows = {"height_ratios": heights, "bottom": _CAPTION_INCHES / total, "top": 1 - _TITLE_INCHES / total}
    grid = figure.add_gridspec(3, n_columns, left=0, right=1, wspace=0.02, hspace=0.02, **rows)
    for row in range(3):
        for column in range(n_columns):
            _draw_panel(figure.add_subplot(grid[row, column]), panels, view, row, column)
    _draw_text(figure, panels, total)


def _draw_panel(axes: Any, panels: Panels, view: _View, axis: int, column: int) -> None:
    """Draw the slice across one axis: the image, and in all columns but the first the labels over it."""
    axes.set_axis_off()
    spacing = [s for i, s in enumerate(panels.image.spacing) if i != axis]
    how = {"origin": "lower", "aspect": spacing[0] / spacing[1], "interpolation": "nearest"}
    lowest, highest = view.contrast
    axes.imshow(view.slice_of(panels.image, axis), cmap="gray", vmin=lowest, vmax=highest, **how)
    if column > 0:
        labels = list(panels.columns.values())[column - 1]
        axes.imshow(_colored(view.slice_of(labels, axis), panels.colors), **how)


def _draw_text(figure: Any, panels: Panels, total_inches: float) -> None:
    """Write the titles of the columns, the classes in their colours, and the caption."""
    titles = [panels.image.name, *panels.columns]
    for column, title in enumerate(titles):
        x = (column + 0.5) / len(titles)
        figure.text(x, 1 - 0.35 / total_inches, title, color=_TEXT, size=12, ha="center", va="center")
        note = panels.notes.get(title, "")
        figure.text(x, 1 - 0.62 / total_inches, note, color=_QUIET, size=9, ha="center", va="center")
    drawn = list(zip(panels.classes, panels.colors, strict=True))[1:]
    for i, (name, color) in enumerate(drawn):
        x = 0.5 + (i - (len(drawn) - 1) / 2) * 0.16
        figure.text(
            x,
            0.5 / total_inches,
            f"\N{BLACK SQUARE} {name}",
            color=_fraction(color)[:3],
            size=10,
            ha="center",
            va="center",
        )
    figure.text(0.5, 0.22 / total_inches, panels.caption, color=_QUIET, size=9, ha="center", va="center")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What is shown of a volume.

    Parameters
    ----------
    crop : Box
        The voxels that hold something, with a margin.
    at : tuple of int
        Where the slice across each axis lies.
    contrast : (float, float)
        Values that are drawn black and white.
    """

    crop: Box
    at: tuple[int, ...]
    contrast: tuple[float, float]

    def slice_of(self, volume: Volume, axis: int) -> np.ndarray[Any, Any]:
        """Read the cropped slice across an axis."""
        index: list[Any] = list(self.crop.slices)
        index[axis] = self.at[axis]
        return np.asarray(volume.data[tuple(index)])


def _view(panels: Panels) -> _View:
    """Look for the slices with the most labels, which say more than the middle, where the halves of a brain part."""
    image = np.asarray(panels.image.data[...])
    reference = np.asarray(next(iter(panels.columns.values())).data[...]) > 0
    others = [tuple(i for i in range(3) if i != axis) for axis in range(3)]
    start, stop = [], []
    for axis, n in enumerate(image.shape):
        filled = np.flatnonzero((image > 0).any(axis=others[axis]))
        margin = n // 30
        start.append(max(0, int(filled[0]) - margin) if filled.size else 0)
        stop.append(min(n, int(filled[-1]) + 1 + margin) if filled.size else n)
    positive = image[image > 0] if (image > 0).any() else image
    lowest, highest = (float(value) for value in np.percentile(positive, [1, 99.8]))
    return _View(
        crop=Box(tuple(start), tuple(stop)),
        at=tuple(int(reference.sum(axis=others[axis]).argmax()) for axis in range(3)),
        contrast=(lowest, max(highest, lowest + 1e-6)),
    )


def _extent(volume: Volume, crop: Box, axis: int) -> tuple[float, float]:
    """Return height and width of a cropped slice across an axis, in the volume's units."""
    height, width = (n * s for i, (n, s) in enumerate(zip(crop.shape, volume.spacing, strict=True)) if i != axis)
    return height, width


def _colored(labels: np.ndarray[Any, Any], colors: Sequence[tuple[int, int, int, int]]) -> Image:
    """Return labels as RGBA float32 in [0, 1] with a clear background."""
    table = np.asarray([_fraction(color) for color in colors], dtype=np.float32)
    table[:, 3] = _OPACITY
    table[0, 3] = 0.0
    colored: Image = table[labels]
    return colored


def _fraction(color: tuple[int, int, int, int]) -> tuple[float, ...]:
    return tuple(part / 255 for part in color)
