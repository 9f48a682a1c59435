"""An output as OME-Zarr 0.5: a pyramid, label metadata, and a journal."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import OutputExistsError, StorageError
from napari_seamless.sinks import pyramid
from napari_seamless.sinks.chunk_groups import ChunkGroups
from napari_seamless.sinks.encoding import encode, shard_parts
from napari_seamless.sinks.group import check_free, create_group, mark_complete, open_levels
from napari_seamless.sinks.journal import Journal
from napari_seamless.sinks.metadata import level_spacing, level_translation
from napari_seamless.sinks.new_folder import new_folder
from napari_seamless.sinks.waiting import WaitingChunks
from napari_seamless.sinks.whole_file import WholeFiles
from napari_seamless.types import Box, Level, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy as np

    from napari_seamless.sinks.sink import OutputSpec

Index = tuple[int, ...]

UNFINISHED = "seamless-unfinished"
"""Folder for files that are being written, beside the journal for the same reason."""


class OmeZarrSink:
    """Write each finished chunk or shard, and its part of every pyramid level, once.

    Chunks of a shard wait for each other, encoded, and are recorded when all of them are stored.

    Parameters
    ----------
    path : pathlib.Path
        The group's folder.
    spec : OutputSpec
        The output.
    identity : mapping
        What decides the bytes of the output: see `Journal`.
    overwrite : bool
        Replace a Zarr group that is there.
    resume : bool
        Go on in an output whose `finished_chunks` are known.
    record : bool
        Record every chunk in the journal as it is written; otherwise whoever collects the chunks calls `record`.

    Raises
    ------
    OutputExistsError
        The path is taken, or is to be overwritten and is no Zarr group.
    StorageError
        The folder cannot be written.
    """

    def __init__(  # noqa: PLR0913  the last three say what to do with what is there
        self,
        path: Path,
        spec: OutputSpec,
        identity: Mapping[str, Any],
        *,
        overwrite: bool = False,
        resume: bool = False,
        record: bool = True,
    ) -> None:
        self._path = path
        self._spec = spec
        self._records = record
        self._levels = pyramid.pyramid_levels(spec.shape, spec.chunk, spec.spacing)
        self._come, self._recorded = (ChunkGroups(spec.chunk_grid, spec.chunks_per_shard) for _ in range(2))
        self._waiting = WaitingChunks(path, spec.waiting_bytes)
        self._files = WholeFiles(path / "0" / UNFINISHED)
        self._journal = Journal(path, identity)
        with self._storing():
            if not resume:
                check_free(path, overwrite=overwrite)
                with new_folder(path) as folder:
                    create_group(folder, spec, self._levels)
                    Journal(folder, identity).start()
            elif record:
                self._remove_unfinished()
            self._arrays = open_levels(path, len(self._levels))

    @property
    def path(self) -> str | None:
        """Folder of the group."""
        return str(self._path)

    @property
    def unit(self) -> tuple[int, ...]:
        """Voxels per spatial axis of what is written as one file."""
        return tuple(n * c for n, c in zip(self._spec.chunks_per_shard, self._spec.chunk, strict=True))

    @property
    def volume(self) -> Volume:
        """The output as a volume whose levels are zarr arrays."""
        spec = self._spec
        return Volume(
            name=spec.name,
            axes=spec.all_axes,
            levels=tuple(
                Level(data=array, spacing=level_spacing(spec, level), translation=level_translation(spec, level))
                for array, level in zip(self._arrays, self._levels, strict=True)
            ),
            units=spec.units,
            source=self.path,
            channels=spec.channel_names,
            is_labels=spec.is_labels,
            label_names=spec.label_names,
        )

    def write(self, index: Index, box: Box, block: np.ndarray[Any, Any]) -> tuple[Index, ...]:  # noqa: ARG002
        r"""Take one finished chunk, (\*leading, \*box.shape), for every level; return the chunks that are stored now.

        Raises
        ------
        StorageError
            The output, or the scratch folder beside it, cannot be written.
        """
        shrink = pyramid.mean if self._spec.is_averaged else pyramid.nearest
        block = block.astype(self._spec.dtype, copy=False)
        encoded = tuple(
            encode(shrink(block, level.factors), (*self._spec.leading, *level.chunk)) for level in self._levels
        )
        if self._spec.shard is None:
            for level, chunk in enumerate(encoded):
                self._put(level, index, (chunk,))
            if self._records:
                self._journal.add(index)
            return (index,)
        self._waiting.put(index, encoded)
        return self._store(self._come.add(index))

    def record(self, index: Index) -> None:
        """Record a chunk as finished: a resumed run skips it, as soon as all of its shard are."""
        chunks = self._recorded.add(index)
        if chunks:
            self._journal.add(*chunks)

    def flush(self) -> tuple[Index, ...]:
        """Store the shards that have begun with the chunks that have come; the others read as 0."""
        return tuple(index for chunks in self._come.rest() for index in self._store(chunks))

    def finish(self) -> None:
        """Store what waits, and mark the output as complete in its metadata."""
        self.flush()
        for chunks in self._recorded.rest():
            self._journal.add(*chunks)
        self.close()
        with self._storing():
            mark_complete(self._path, self._spec)
        self._remove_unfinished()

    def close(self) -> None:
        """Close the journal and drop the chunks that still wait; the output can be resumed."""
        self._waiting.close()
        self._journal.close()

    def _store(self, chunks: tuple[Index, ...]) -> tuple[Index, ...]:
        """Write the shard of these waiting chunks in every level, then record them."""
        if not chunks:
            return ()
        shard = self._come.shard_of(chunks[0])
        for level in range(len(self._levels)):
            parts = (self._waiting.get(index, level) for index in self._come.members(shard))
            sizes = (self._waiting.size(index, level) for index in self._come.members(shard))
            self._put(level, shard, shard_parts(parts, sizes))
        if self._records:
            self._journal.add(*chunks)
        for index in chunks:
            self._waiting.drop(index)
        return chunks

    def _put(self, level: int, index: Index, parts: Iterable[bytes]) -> None:
        """Write one file of a level."""
        place = (str(level), "c", *("0" for _ in self._spec.leading), *map(str, index))
        with self._storing():
            self._files.write(os.path.join(self._path, *place), parts)  # noqa: PTH118  quicker than a Path

    def _remove_unfinished(self) -> None:
        """Remove what was being written when an earlier run was killed."""
        self._files.clear()
        for file in self._path.glob("*.partial"):  # Zarr's own, of the metadata
            file.unlink(missing_ok=True)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except (OutputExistsError, StorageError):
            raise
        except OSError as error:
            raise StorageError(
                f"The output {self._path} cannot be written ({error.strerror or error}); "
                "free disk space or choose a folder with write access."
            ) from error


def finished_chunks(path: Path, identity: Mapping[str, Any]) -> frozenset[tuple[int, ...]]:
    """Return the chunks that an earlier run of this identity finished.

    Raises
    ------
    SettingsError
        There is no such run in `path`, or it was another one; the text says what differs.
    """
    return Journal(path, identity).resume()
