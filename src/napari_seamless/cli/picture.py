"""Three orthogonal slices of image, reference and result side by side, for a machine without a display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import MissingDependencyError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_seamless.types import Volume

_BACKGROUND = "#16181d"
_TEXT = "#e8e6e3"
_QUIET = "#9a9a9a"
_OPACITY = 0.8
_WIDTH_INCHES = 10.0
_TITLE_INCHES = 0.75
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
        Labels by title, of the image's shape, drawn over the image.
    classes : sequence of str
        Names of the labels, background first.
    colors : sequence of (int, int, int, int)
        RGBA in 0..255 by label; the background is not drawn.
    caption : str
        Lines below the panels.
    """

    image: Volume
    columns: Mapping[str, Volume]
    classes: Sequence[str]
    colors: Sequence[tuple[int, int, int, int]]
    caption: str


def save_picture(panels: Panels, path: Path) -> None:
    """Draw one row for each axis through the middle of the volume and one column for the image and each label volume.

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
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "The picture of the demo needs matplotlib; try pip install 'napari-seamless[samples]'."
        ) from None
    figure = Figure(facecolor=_BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    _draw(figure, panels)
    try:
        canvas.print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]
    except OSError as error:
        raise StorageError(f"The picture {path} cannot be written ({error.strerror or error}).") from error


def _draw(figure: Any, panels: Panels) -> None:
    sizes = [_extent(panels.image, axis) for axis in range(3)]
    n_columns = 1 + len(panels.columns)
    column_inches = _WIDTH_INCHES / n_columns
    widest = max(width for _, width in sizes)
    heights = [column_inches * height / widest for height, _ in sizes]
    total = sum(heights) + _TITLE_INCHES + _CAPTION_INCHES
    figure.set_size_inches(_WIDTH_INCHES, total)
    figure.set_dpi(160)
    grid = figure.add_gridspec(
        3,
        n_columns,
        height_ratios=heights,
        left=0,
        right=1,
        bottom=_CAPTION_INCHES / total,
        top=1 - _TITLE_INCHES / total,
        wspace=0.02,
        hspace=0.02,
    )
    for row in range(3):
        for column in range(n_columns):
            _draw_panel(figure.add_subplot(grid[row, column]), panels, row, column)
    _draw_text(figure, panels, total)


def _draw_panel(axes: Any, panels: Panels, axis: int, column: int) -> None:
    """Draw the middle slice across one axis: the image, and in all columns but the first the labels over it."""
    axes.set_axis_off()
    spacing = [s for i, s in enumerate(panels.image.spacing) if i != axis]
    how = {"origin": "lower", "aspect": spacing[0] / spacing[1], "interpolation": "nearest"}
    backdrop = _middle(panels.image, axis).astype(np.float32)
    lowest, highest = np.percentile(backdrop, [0.5, 99.8])
    axes.imshow(backdrop, cmap="gray", vmin=lowest, vmax=max(highest, lowest + 1e-6), **how)
    if column > 0:
        title = list(panels.columns)[column - 1]
        axes.imshow(_colored(_middle(panels.columns[title], axis), panels.colors), **how)


def _draw_text(figure: Any, panels: Panels, total_inches: float) -> None:
    """Write the titles of the columns, the classes in their colours, and the caption."""
    titles = [panels.image.name, *panels.columns]
    for column, title in enumerate(titles):
        x = (column + 0.5) / len(titles)
        figure.text(x, 1 - 0.4 / total_inches, title, color=_TEXT, size=13, ha="center", va="center")
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


def _extent(volume: Volume, axis: int) -> tuple[float, float]:
    """Return height and width of a slice across an axis, in the volume's units."""
    height, width = (n * s for i, (n, s) in enumerate(zip(volume.shape, volume.spacing, strict=True)) if i != axis)
    return height, width


def _middle(volume: Volume, axis: int) -> np.ndarray[Any, Any]:
    """Read the middle slice across an axis."""
    index: list[Any] = [slice(None)] * 3
    index[axis] = volume.shape[axis] // 2
    return np.asarray(volume.data[tuple(index)])


def _colored(labels: np.ndarray[Any, Any], colors: Sequence[tuple[int, int, int, int]]) -> Image:
    """Return labels as RGBA float32 in [0, 1] with a clear background."""
    table = np.asarray([_fraction(color) for color in colors], dtype=np.float32)
    table[:, 3] = _OPACITY
    table[0, 3] = 0.0
    colored: Image = table[labels]
    return colored


def _fraction(color: tuple[int, int, int, int]) -> tuple[float, ...]:
    return tuple(part / 255 for part in color)
