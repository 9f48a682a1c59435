"""A folder for partial sums that do not fit the memory budget."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from napari_seamless.errors import StorageError

if TYPE_CHECKING:
    from types import TracebackType


class Scratch:
    """Partial sums on disk, one raw float32 file for each of them; created on first use, removed on close.

    Parameters
    ----------
    output : pathlib.Path or None
        What the sums are for: the folder is made beside it, for the system's folder for temporary files, which serves
        an output in memory, may itself lie in memory.
    """

    def __init__(self, output: Path | None = None) -> None:
        self._parent = None if output is None else output.absolute().parent
        self._prefix = _prefix(output)
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def save(self, key: tuple[int, ...], sums: torch.Tensor) -> None:
        """Write sums under a key.

        Raises
        ------
        StorageError
            The disk is full or cannot be written.
        """
        try:
            # ndarray.tofile would lose what its buffer holds on a full disk, without an error
            self._path(key).write_bytes(np.ascontiguousarray(sums.cpu().numpy()).data)
        except OSError as error:
            raise StorageError(
                f"Partial sums that exceed the memory budget cannot be written to {self._folder or self._parent} "
                f"({error.strerror or error}); free disk space there or raise the memory budget."
            ) from error

    def load_into(self, key: tuple[int, ...], target: torch.Tensor) -> None:
        """Read sums back into contiguous float32 of their number, on any device, and drop their file."""
        path = self._path(key)
        host = target if target.device.type == "cpu" else torch.empty(target.shape)
        with path.open("rb", buffering=0) as file:
            view = host.numpy().data.cast("B")
            while view and (n := file.readinto(view)):
                view = view[n:]
        if host is not target:
            target.copy_(host)
        path.unlink()

    def close(self) -> None:
        """Remove the folder and everything in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _path(self, key: tuple[int, ...]) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self._parent))
        return self._folder / ("-".join(map(str, key)) + ".f32")


def remove_stale(output: Path) -> None:
    """Remove the folders that killed runs into `output` left behind."""
    for folder in output.absolute().parent.glob(f"{_prefix(output)}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _prefix(output: Path | None) -> str:
    return ".seamless-scratch-" if output is None else f".{output.name}-scratch-"
