"""`make_meshes` and `write_meshes`: from a volume of any size to surfaces, in bounded memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_seamless.engine.beside_output import scratch_beside, written_alone
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance.progress import Steps
from napari_seamless.engine.events import OnEvent, ignore_event
from napari_seamless.engine.memory import peak_memory_bytes
from napari_seamless.engine.mesh.finishing import Finishing, Refine
from napari_seamless.engine.mesh.making import Making
from napari_seamless.engine.mesh.output import check_path, make_output
from napari_seamless.engine.mesh.result import MeasuredSurface, MeshRow, WrittenMeshes
from napari_seamless.engine.mesh.settings import MeshSettings
from napari_seamless.engine.mesh.source import Source
from napari_seamless.engine.preparation import check_apart

if TYPE_CHECKING:
    import os


def make_meshes(  # noqa: PLR0913  the last ones say how, by name
    data: Any,
    settings: MeshSettings | None = None,
    *,
    axes: str | None = None,
    refine: Refine | None = None,
    on_event: OnEvent = ignore_event,
    control: Control | None = None,
) -> list[MeasuredSurface]:
    """Make the surfaces of labels or of a field.

    Parameters
    ----------
    data : array, path, napari layer, Volume or anything that `open_volume` takes
        Labels, probabilities or a distance map with three spatial axes; it may be larger than the memory, the surfaces
        may not.
    settings : MeshSettings, optional
        Which surfaces, and what is done to them.
    axes : str, optional
        Name of each array axis where the volume has none.
    refine : callable, optional
        Takes and returns a `Surface`, after smoothing and before simplification; called by several threads.
    on_event : callable
        Called from the caller's thread with `Progress`, whose numbers are steps of the work, and `Warned`.
    control : Control, optional
        Cancels and pauses.

    Returns
    -------
    list of MeasuredSurface
        In rising order of labels or channels; the same for every block size and number of threads.

    Raises
    ------
    RunCancelledError
        The control cancelled the work.
    SeamlessError
        There is no surface, something does not fit; the text says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((8, 8, 8), np.uint8)
    >>> labels[2:6, 2:6, 2:6] = 3
    >>> (made,) = make_meshes(labels, MeshSettings(smoothing=0))
    >>> round(made.measures.volume, 6), made.measures.watertight
    (64.0, True)
    """
    settings = settings or MeshSettings()
    finishing = Finishing.of(Source.open(data, settings, axes), settings, refine)
    found: dict[int, MeasuredSurface] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        steps = Steps(1, on_event, control or Control())
        Making(finishing, Path(scratch), steps, on_event).run(found.__setitem__)
    return [found[number] for number in sorted(found)]


def write_meshes(  # noqa: PLR0913  the last ones say how, by name
    data: Any,
    output: str | os.PathLike[str],
    settings: MeshSettings | None = None,
    *,
    each: bool = False,
    axes: str | None = None,
    overwrite: bool = False,
    refine: Refine | None = None,
    on_event: OnEvent = ignore_event,
    control: Control | None = None,
) -> WrittenMeshes:
    """Make surfaces and write them, all to one file or a file for each; see `make_meshes`.

    Faces lie in a scratch folder beside the output, 8 bytes each for labels and 32 for fields, which is removed however
    the call ends. The output appears under its name when it is complete.

    Parameters
    ----------
    data, settings, axes, refine, on_event, control
        See `make_meshes`.
    output : path
        Its suffix says what is written: .obj, .stl, .ply, .glb, .vtp, or .precomputed for a folder of Neuroglancer's
        multi-resolution meshes.
    each : bool
        Write a file for each surface into a folder with the output's name without its suffix.
    overwrite : bool
        Replace what is there.

    Returns
    -------
    WrittenMeshes

    Raises
    ------
    RunCancelledError
        The control cancelled the work; nothing is left of it.
    SeamlessError
        There is no surface, something does not fit or cannot be written; the text says what to do.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> labels = np.zeros((8, 8, 8), np.uint8)
    >>> labels[2:6, 2:6, 2:6] = 3
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_meshes(labels, pathlib.Path(folder) / "cube.ply")
    >>> [row.label for row in written.rows]
    [3]
    """
    settings = settings or MeshSettings()
    path, target = check_path(output, each=each, overwrite=overwrite)
    source = Source.open(data, settings, axes)
    check_apart(target, source.volume)
    finishing = Finishing.of(source, settings, refine)
    control = control or Control()
    rows: dict[int, MeshRow] = {}
    steps = Steps(1, on_event, control)
    with (
        written_alone(target, "The meshes were cancelled; nothing of them is left."),
        scratch_beside(target) as scratch,
    ):
        units = source.volume.units
        output_ = make_output(path, scratch, units, settings.budget_bytes // 2, each=each)

        def take(number: int, made: MeasuredSurface) -> None:
            rows[number] = MeshRow.of(made)
            output_.take(number, made)

        making = Making(finishing, scratch, steps, on_event)
        making.run(take)
        control.checkpoint()
        output_.finish(target)
    return WrittenMeshes(
        path=str(target),
        rows=tuple(rows[number] for number in sorted(rows)),
        unit=units[0] if len(set(units)) == 1 else None,
        voxels=making.voxels,
        seconds={**making.seconds, "total": steps.seconds},
        peak_memory_bytes=peak_memory_bytes(),
        warnings=tuple(making.warnings),
    )
