"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class WholeFiles:
    """Write files under other names first, and move each to its place when it is complete.

    A kill leaves no torn file in place. The data are handed to the operating system, not forced to the disk: a power
    cut may take the last files with it.

    Parameters
    ----------
    folder : pathlib.Path
        For unfinished files; must lie in the same file system as their places.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, path: str, parts: Iterable[bytes]) -> None:
        """Write one file from its parts; folders above it are made.

        Raises
        ------
        OSError
            It cannot be written; nothing of it stays.
        """
        # no name that two processes could share, should both believe that the file is theirs
        unfinished = f"{self._folder}{os.sep}{uuid.uuid4().hex}"
        try:
            with _open_new(unfinished) as file:
                for part in parts:
                    file.write(part)
            _move(unfinished, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(unfinished)  # noqa: PTH108
            raise

    def clear(self) -> None:
        """Remove what killed runs left unfinished."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _open_new(path: str) -> BinaryIO:
    try:
        return open(path, "xb")  # noqa: PTH123  a Path costs as much as opening does
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        return open(path, "xb")  # noqa: PTH123


def _move(unfinished: str, path: str) -> None:
    try:
        os.replace(unfinished, path)  # noqa: PTH105
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        os.replace(unfinished, path)  # noqa: PTH105
