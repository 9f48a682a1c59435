"""A figure that is drawn without a display, and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.errors import MissingDependencyError, StorageError

if TYPE_CHECKING:
    import os


def new_figure(what: str, **options: Any) -> Any:
    """Return an empty matplotlib figure.

    Parameters
    ----------
    what : str
        What will be drawn, for the message.
    **options
        Those of `matplotlib.figure.Figure`.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            f"The picture of the {what} needs matplotlib; try pip install 'napari-seamless[samples]'."
        ) from None
    return Figure(**options)


def save_png(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, with the same bytes for the same figure.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    try:
        FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]
    except OSError as error:
        raise StorageError(f"The picture {path} cannot be written ({error.strerror or error}).") from error
