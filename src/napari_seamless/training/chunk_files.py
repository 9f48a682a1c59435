"""The chunks of corrections as files of a Zarr array that any reader opens; what nobody painted has no file."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numcodecs.zstd import Zstd
from zarr.codecs import ZstdCodec

from napari_seamless.errors import SettingsError, StorageError, VolumeError
from napari_seamless.sinks.encoding import COMPRESSOR, encode
from napari_seamless.sinks.whole_file import WholeFiles

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.training.canvas import Canvas

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]

METADATA_KEY = "napari-seamless-corrections"
_UNFINISHED = "seamless-unfinished"


class ChunkFiles:
    """Read and write whole chunks; a chunk of zeros has no file.

    Each is written under another name and moved into its place, so that a kill tears none. Zarr's own arrays would
    write them too, at several times the cost: see `napari_seamless.sinks.encoding`.

    Parameters
    ----------
    folder : pathlib.Path
        Made where it does not exist.
    canvas : Canvas
        Geometry and classes. Classes that are added at the end are taken over.

    Raises
    ------
    SettingsError
        The folder holds corrections of another shape, type or other classes, or something else.
    StorageError
        The folder cannot be written.
    """

    def __init__(self, folder: Path, canvas: Canvas) -> None:
        self.folder = folder
        self.canvas = canvas
        self._files = WholeFiles(folder / _UNFINISHED)
        try:
            if folder.exists():
                self._check(_open(folder))
            else:
                _create(folder, canvas)
            self._files.clear()
            self._probe()
        except OSError as error:
            raise unwritable(folder, error) from error
        self.present = self._find()

    def read(self, index: Index) -> Array:
        """Return a chunk of the canvas's chunk shape; a new array.

        Raises
        ------
        VolumeError
            The file is there and cannot be read.
        """
        if index not in self.present:
            return np.zeros(self.canvas.chunk, self.canvas.dtype)
        path = self._path(index)
        try:
            voxels = np.frombuffer(Zstd().decode(path.read_bytes()), self.canvas.dtype.newbyteorder("<"))
            return voxels.reshape(self.canvas.chunk).astype(self.canvas.dtype)
        except (OSError, RuntimeError, ValueError) as error:
            raise VolumeError(
                f"The painted chunk {path} cannot be read ({error}); restore it from a copy, or remove it to lose what "
                "was painted there."
            ) from error

    def write(self, index: Index, chunk: Array) -> None:
        """Put a chunk in its place, or remove its file where nothing is painted.

        Raises
        ------
        OSError
            It cannot be written; what was there stays.
        """
        path = self._path(index)
        if chunk.any():
            self._files.write(str(path), [encode(chunk, self.canvas.chunk)])
            self.present.add(index)
        else:
            path.unlink(missing_ok=True)
            self.present.discard(index)

    def _path(self, index: Index) -> Path:
        return self.folder.joinpath("c", *map(str, index))

    def _find(self) -> set[Index]:
        """List the chunks that are there, without looking for those that are not."""
        n = len(self.canvas.shape)
        paths = (self.folder / "c").glob("/".join("*" * n))
        return {tuple(map(int, path.parts[-n:])) for path in paths if all(p.isdigit() for p in path.parts[-n:])}

    def _check(self, array: zarr.Array[Any]) -> None:
        canvas = self.canvas
        stored: Any = array.attrs.get(METADATA_KEY) or {}
        if tuple(array.shape) != canvas.shape:
            raise SettingsError(
                f"The corrections {self.folder} were painted on a volume of shape {tuple(array.shape)}, but this one "
                f"has {canvas.shape}; choose another folder."
            )
        there: tuple[str, ...] = tuple(stored.get("classes", ()))
        n = min(len(there), len(canvas.classes))
        if there[:n] != canvas.classes[:n]:
            raise SettingsError(
                f"The corrections {self.folder} were painted for the classes {', '.join(there)}, but now they are "
                f"{', '.join(canvas.classes)}; choose another folder or the network that they belong to."
            )
        if array.dtype != canvas.dtype or tuple(array.chunks) != canvas.chunk:
            raise SettingsError(
                f"The folder {self.folder} holds {array.dtype} in chunks of {tuple(array.chunks)}, but corrections are "
                f"{canvas.dtype} in chunks of {canvas.chunk}; choose another folder."
            )
        if canvas.classes[:n] == there and len(canvas.classes) > n:
            array.attrs[METADATA_KEY] = canvas.attributes()

    def _probe(self) -> None:
        """Find out now, and not at the first stroke, whether files can be written."""
        probe = self.folder / f".{_UNFINISHED}-probe"
        probe.write_bytes(b"")
        with suppress(OSError):
            probe.unlink()


def unwritable(folder: Path, error: OSError) -> StorageError:
    """Return the sentence for corrections that cannot be written."""
    reason = error.strerror or str(error)
    advice = "free some space" if error.errno == errno.ENOSPC else "choose a folder that can be written"
    return StorageError(f"The corrections {folder} cannot be written ({reason}); {advice}.")


def _open(folder: Path) -> zarr.Array[Any]:
    try:
        return zarr.open_array(folder, mode="r+", zarr_format=3)
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"The folder {folder} is there and holds no corrections; choose another one.") from error


def _create(folder: Path, canvas: Canvas) -> None:
    zarr.create_array(
        folder,
        shape=canvas.shape,
        chunks=canvas.chunk,
        dtype=canvas.dtype,
        compressors=ZstdCodec.from_dict(dict(COMPRESSOR)),
        fill_value=0,
        zarr_format=3,
        dimension_names=canvas.axes,
        attributes={METADATA_KEY: canvas.attributes()},
    )
