"""One run at a time into one output."""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from napari_seamless.errors import OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}


@contextmanager
def only_writer(output: Path) -> Iterator[None]:
    """Hold an output for the time of the block.

    A hidden file beside the output is locked by the operating system, which lets go of it however the process ends.
    Where the file cannot be made or the file system knows no locks, the block runs without.

    Parameters
    ----------
    output : pathlib.Path
        The output's folder; it need not exist.

    Raises
    ------
    OutputExistsError
        Another run holds it; the text names its process.
    """
    # one lock for an output that is reached under two names
    target = output.resolve()
    made = _make_folders(target.parent)
    try:
        handle = _lock(target.with_name(f".{target.name}-lock"), output)
        try:
            yield
        finally:
            if handle is not None:
                _unlock(handle, target.with_name(f".{target.name}-lock"))
    finally:
        for folder in made:
            with suppress(OSError):  # the output is in it
                folder.rmdir()


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder; return those that were missing, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # whoever writes the output will say so
        return []
    return missing


def _lock(path: Path, output: Path) -> int | None:
    """Open and lock the file; return None where that is not possible."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return None
        try:
            _take(handle)
        except OSError as error:
            holder = _read(handle)
            os.close(handle)
            if error.errno not in _TAKEN:
                with suppress(OSError):
                    path.unlink()
                return None
            raise OutputExistsError(
                f"Another run is writing the output {output} ({holder}); wait for it or end it, or choose another path."
            ) from None
        # who held it before may have removed the file since it was opened
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)
    with suppress(OSError):  # it is held with or without a word about whom by
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps({"process": os.getpid(), "computer": platform.node()}).encode())
    return handle


def _read(handle: int) -> str:
    """Say who holds the lock."""
    try:
        holder = json.loads(os.read(handle, 4096))
        return f"process {holder['process']} on {holder['computer']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its process is not known"


def _unlock(handle: int, path: Path) -> None:
    """Remove the file while it is still locked, where the system allows it, and let go."""
    with suppress(OSError):
        path.unlink()
    os.close(handle)
    with suppress(OSError):
        # where open files cannot be removed; elsewhere another run may have made a new one
        if sys.platform == "win32":
            path.unlink()


if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30

    def _take(handle: int) -> None:
        # a byte beyond the text: what is locked cannot be read
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
