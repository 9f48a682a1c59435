"""`write_made`: surfaces that are there already go to files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.engine.beside_output import scratch_beside, written_alone
from napari_seamless.engine.mesh.output import check_path, make_output
from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.mesh.result import MeasuredSurface

_NO_LIMIT = 2**62
"""Bytes: the surfaces are held already."""


def write_made(
    made: Sequence[MeasuredSurface],
    output: str | os.PathLike[str],
    *,
    each: bool = False,
    overwrite: bool = False,
    control: Control | None = None,
) -> str:
    """Write surfaces that `make_meshes` made, as `write_meshes` would.

    Parameters
    ----------
    made : sequence of MeasuredSurface
        At least one.
    output : path
        Its suffix says what is written, see `write_meshes`.
    each : bool
        Write a file for each surface into a folder with the output's name without its suffix.
    overwrite : bool
        Replace what is there.
    control : Control, optional
        Cancels between two surfaces.

    Returns
    -------
    str
        The file or folder.

    Raises
    ------
    RunCancelledError
        The control cancelled the work; nothing is left of it.
    SeamlessError
        There is no surface, or the output cannot be written; the text says what to do.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> from napari_seamless.engine.mesh import make_meshes
    >>> made = make_meshes(np.pad(np.ones((4, 4, 4), np.uint8), 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pathlib.Path(write_made(made, pathlib.Path(folder) / "cube.glb")).name
    'cube.glb'
    """
    if not made:
        raise SettingsError("There is no surface to write; make some first.")
    path, target = check_path(output, each=each, overwrite=overwrite)
    with (
        written_alone(target, "The export was cancelled; nothing of it is left."),
        scratch_beside(target) as scratch,
    ):
        taking = make_output(path, scratch, made[0].surface.units, _NO_LIMIT, each=each)
        for number, one in enumerate(made):
            if control is not None:
                control.checkpoint()
            taking.take(number, one)
        if control is not None:
            control.checkpoint()
        taking.finish(target)
    return str(target)
