"""A record of a run beside its output: what it is, and which chunks are finished."""

from __future__ import annotations

import json
import os
import weakref
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Index = tuple[int, ...]

FILE_NAME = "seamless-journal.jsonl"

_HARMLESS = {"damaged_chunks": ("error", "fill")}
"""Changes that a resumed run may make: a run that stops at damaged chunks has finished no chunk that saw one."""


class Journal:
    """An append-only file: the identity of the run first, then one line for each finished chunk or shard.

    Where a run was resumed with a harmless change, a line with its new identity stands before what it finished.

    A line is written after its chunk is stored, so a chunk that is listed is whole. The chunks of a shard share a line,
    so all of them are listed or none is. A torn last line, as a kill leaves it, is ignored.

    Parameters
    ----------
    folder : pathlib.Path
        The output's group. The file lies in the folder of its finest level: Zarr warns of strange files when it lists
        a group, but does not list what lies in an array.
    identity : mapping
        Everything that decides the bytes of the output, JSON-able: what a resumed run is compared with.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self._folder = folder
        self._path = folder / "0" / FILE_NAME
        self._identity = json.loads(json.dumps(identity))
        self._lock = Lock()
        self._handle: int | None = None
        self._let_go: weakref.finalize[Any, Any] | None = None

    def start(self) -> None:
        """Begin a new journal."""
        with self._telling():
            self._path.write_text(_line({"identity": self._identity}), encoding="utf-8")

    def resume(self) -> frozenset[Index]:
        """Read the finished chunks of an earlier run.

        Returns
        -------
        frozenset of tuple of int
            Chunk indices.

        Raises
        ------
        SettingsError
            There is no journal, or the earlier run was another one; the text says what differs.
        """
        lines, whole = self._read()
        if not lines or "identity" not in lines[0]:
            raise SettingsError(f"{self._folder} has no journal of a run to resume; start anew with overwrite.")
        before = [line["identity"] for line in lines if "identity" in line][-1]
        for key in dict.fromkeys((*self._identity, *before)):
            change = before.get(key), self._identity.get(key)
            if change[0] != change[1] and change != _HARMLESS.get(key):
                raise SettingsError(
                    f"The run in {self._folder} cannot be resumed because {key} changed from {before.get(key)!r} "
                    f"to {self._identity.get(key)!r}; use the earlier value, or start anew with overwrite."
                )
        # a torn line would swallow the next one that is appended; nothing is rewritten that a kill could tear
        os.truncate(self._path, whole)
        if before != self._identity:
            self._append({"identity": self._identity})
        return frozenset(tuple(index) for line in lines for index in line.get("chunks", [line.get("chunk")]) if index)

    def add(self, *indices: Index) -> None:
        """Record chunks that are stored; all of them or none.

        Raises
        ------
        StorageError
            The line cannot be written; nothing of it stays.
        """
        self._append({"chunk": indices[0]} if len(indices) == 1 else {"chunks": indices})

    def _append(self, record: Mapping[str, Any]) -> None:
        line = _line(record).encode()
        with self._lock, self._telling():
            handle = self._open()
            before = os.fstat(handle).st_size
            try:
                # straight to the operating system, where a kill does not reach it
                while line:
                    line = line[os.write(handle, line) :]
            except OSError:
                os.ftruncate(handle, before)
                raise

    def close(self) -> None:
        """Close the file; it is opened again when a chunk is added."""
        with self._lock:
            if self._let_go is not None:
                self._let_go()
            self._handle = None

    def _open(self) -> int:
        """Open the file once: on a network each time would be a round trip."""
        if self._handle is None:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            self._let_go = weakref.finalize(self, os.close, self._handle)
        return self._handle

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"The journal {self._path} cannot be written ({error.strerror or error}); free disk space, then resume."
            ) from error

    def _read(self) -> tuple[list[dict[str, Any]], int]:
        """Return the whole lines, and the bytes that they take."""
        if not self._path.is_file():
            return [], 0
        lines, size = [], 0
        for line in self._path.read_bytes().splitlines(keepends=True):
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
            if not line.endswith(b"\n"):
                lines.pop()
                break
            size += len(line)
        return lines, size


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record) + "\n"
