"""A record of a run beside its output: what it is, and which chunks are finished."""

from __future__ import annotations

import json
import os
from threading import Lock
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Index = tuple[int, ...]

FILE_NAME = "seamless-journal.jsonl"


class Journal:
    """An append-only file: the identity of the run first, then one line for each finished chunk.

    A line is written after its chunk is stored, so a chunk that is listed is whole. A torn last line, as a kill leaves
    it, is ignored.

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

    def start(self) -> None:
        """Begin a new journal."""
        self._append({"identity": self._identity}, mode="w")

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
        before = lines[0]["identity"]
        for key in sorted(before.keys() | self._identity.keys()):
            if before.get(key) != self._identity.get(key):
                raise SettingsError(
                    f"The run in {self._folder} cannot be resumed because {key} changed from {before.get(key)!r} "
                    f"to {self._identity.get(key)!r}; use the earlier value, or start anew with overwrite."
                )
        # a torn line would swallow the next one that is appended; nothing is rewritten that a kill could tear
        os.truncate(self._path, whole)
        return frozenset(tuple(line["chunk"]) for line in lines[1:])

    def add(self, index: Index) -> None:
        """Record a chunk that is stored."""
        self._append({"chunk": list(index)}, mode="a")

    def _append(self, record: Mapping[str, Any], *, mode: str) -> None:
        try:
            with self._lock, self._path.open(mode, encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
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
