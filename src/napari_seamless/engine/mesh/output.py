"""Where finished surfaces go: one file for all, one each, or a folder for Neuroglancer."""

from __future__ import annotations

import os
import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_seamless.errors import OutputExistsError, SettingsError, StorageError
from napari_seamless.mesh import SUFFIXES, PrecomputedWriter, simplify, write_surfaces
from napari_seamless.sinks.new_folder import new_folder

if TYPE_CHECKING:
    from napari_seamless.engine.mesh.result import MeasuredSurface
    from napari_seamless.types import Surface

PRECOMPUTED = ".precomputed"
_FOR_EACH_LEVEL = 4
_LEAST_TRIANGLES = 1000
_MOST_LEVELS = 4


class Output(Protocol):
    """Takes surfaces from several threads, and puts them in their place when all are there."""

    def take(self, number: int, made: MeasuredSurface) -> None:
        """Take the surface with this place in the order of labels."""
        ...

    def finish(self, path: Path) -> None:
        """Complete the output and move it to its path."""
        ...


def make_output(path: Path, scratch: Path, units: tuple[str | None, ...], room: int, *, each: bool) -> Output:
    """Return what takes the surfaces of an output."""
    if path.suffix.lower() == PRECOMPUTED:
        return Precomputed(scratch / "precomputed", units)
    return FileEach(scratch / "each", path) if each else OneFile(scratch, room)


def check_path(output: str | os.PathLike[str], *, each: bool, overwrite: bool) -> tuple[Path, Path]:
    """Return the path as it was given, and the file or folder that will be there.

    Raises
    ------
    SettingsError
        The suffix is none of a format.
    OutputExistsError
        There is something already.
    StorageError
        There is no folder that it could be in.
    """
    text = os.fspath(output)
    if "://" in text:
        raise SettingsError(f"output must be a local path, got {text}; write locally and copy it.")
    path = Path(text)
    if path.suffix.lower() not in {*SUFFIXES, PRECOMPUTED}:
        raise SettingsError(
            f"output must end in one of {', '.join((*SUFFIXES, PRECOMPUTED))}, which says what is written, "
            f"got {path.name!r}."
        )
    folder = each and path.suffix.lower() != PRECOMPUTED
    target = path.with_suffix("") if folder else path
    if not target.parent.is_dir():
        raise StorageError(f"The folder {target.parent} of the output does not exist; make it, or choose another.")
    if target.is_dir() and not (folder or path.suffix.lower() == PRECOMPUTED):
        raise OutputExistsError(f"{target} is a folder; choose another name.")
    if target.exists() and not overwrite:
        raise OutputExistsError(f"{target} exists; choose another name, or say that it may be replaced (overwrite).")
    return path, target


class OneFile:
    """Holds all surfaces, for a file that needs to know them all.

    Parameters
    ----------
    scratch : pathlib.Path
        A folder beside the output.
    room : int
        Bytes that they may take.
    """

    def __init__(self, scratch: Path, room: int) -> None:
        self._scratch = scratch
        self._room = room
        self._held: dict[int, Surface] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def take(self, number: int, made: MeasuredSurface) -> None:
        """Hold a surface."""
        surface = made.surface
        arrays = surface.vertices, surface.triangles, *surface.values.values()
        with self._lock:
            self._held[number] = surface
            self._bytes += sum(array.nbytes for array in arrays)
            if self._bytes > self._room:
                raise SettingsError(
                    f"The surfaces so far take {self._bytes // 2**20} MiB and all must be held for one file; allow "
                    "fewer triangles, raise the memory budget, or write one file each."
                )

    def finish(self, path: Path) -> None:
        """Write the file."""
        surfaces = [self._held[number] for number in sorted(self._held)]
        fresh = self._scratch / f"fresh{path.suffix.lower()}"
        write_surfaces(surfaces, fresh)
        fresh.replace(path)


class FileEach:
    """Writes a file for each surface, into a folder with the output's name without its suffix.

    Parameters
    ----------
    folder : pathlib.Path
        A place beside the output that does not exist.
    path : pathlib.Path
        The output's name and suffix.
    """

    def __init__(self, folder: Path, path: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._path = path

    def take(self, number: int, made: MeasuredSurface) -> None:
        """Write a surface."""
        del number
        surface = made.surface
        name = re.sub(r"[^\w.-]+", "_", surface.name).strip("_.")
        stem = f"{self._path.stem}_{surface.label}" + (f"_{name}" if name and name != f"label_{surface.label}" else "")
        write_surfaces([surface], self._folder / f"{stem}{self._path.suffix.lower()}")

    def finish(self, path: Path) -> None:
        """Move the folder into place."""
        _move(self._folder, path)


class Precomputed:
    """Writes surfaces and simpler versions of them for Neuroglancer.

    Parameters
    ----------
    folder : pathlib.Path
        A place beside the output that does not exist.
    units : tuple of str or None
        Unit of each axis.
    """

    def __init__(self, folder: Path, units: tuple[str | None, ...]) -> None:
        self._folder = folder
        self._writer = PrecomputedWriter(folder, units=units)
        self._lock = threading.Lock()

    def take(self, number: int, made: MeasuredSurface) -> None:
        """Write a surface with its levels of detail."""
        del number
        levels = [made.surface]
        while len(levels) < _MOST_LEVELS and len(levels[-1].triangles) > _FOR_EACH_LEVEL * _LEAST_TRIANGLES:
            levels.append(simplify(levels[-1], triangles=len(levels[-1].triangles) // _FOR_EACH_LEVEL))
        with self._lock:
            self._writer.add(levels)

    def finish(self, path: Path) -> None:
        """Complete the folder and move it into place."""
        self._writer.finish()
        _move(self._folder, path)


def _move(folder: Path, path: Path) -> None:
    with new_folder(path) as fresh:
        shutil.move(folder, fresh)
