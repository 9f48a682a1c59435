"""The two passes over a volume: faces by block, surfaces by label."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.events import Warned
from napari_seamless.engine.mesh.face_files import FaceFiles
from napari_seamless.engine.mesh.missing import warnings_about
from napari_seamless.engine.mesh.source import block_size
from napari_seamless.errors import SettingsError, VolumeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_seamless.engine.distance.progress import Steps
    from napari_seamless.engine.events import OnEvent
    from napari_seamless.engine.mesh.finishing import Finishing
    from napari_seamless.engine.mesh.result import MeasuredSurface
    from napari_seamless.types import Box

Array = np.ndarray[Any, Any]

_FACE_BYTES = 320
"""What a face takes while its surface is made, beside its part of the scratch file."""
_GROUP_FACES = 20_000
"""Small labels are made together: handing each to a thread would take longer than making it."""


@dataclass(slots=True, eq=False)
class Making:
    """Meshes being made.

    Parameters
    ----------
    finishing : Finishing
        What is done to each surface.
    scratch : pathlib.Path
        An empty folder.
    steps : Steps
        Runs the work.
    on_event : callable
        Told of warnings.
    """

    finishing: Finishing
    scratch: Path
    steps: Steps
    on_event: OnEvent
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    dropped: int = 0

    def run(self, take: Callable[[int, MeasuredSurface], None]) -> None:
        """Make every surface and hand it on, from several threads, with its place in the order of labels.

        Raises
        ------
        VolumeError
            There is no surface.
        SettingsError
            The budget does not hold the largest one.
        """
        files = FaceFiles(self.scratch)
        try:
            with self._timed("faces"):
                self._find(files)
                labels, counts = files.finish()
            for text in warnings_about(self.finishing.source, labels):
                self.warn(text)
            with self._timed("surfaces"):
                self._make(files, labels, counts, take)
        finally:
            files.close()
        if self.dropped == len(labels):
            raise VolumeError(
                f"Nothing is left of {len(labels)} surfaces: all are smaller than min_volume "
                f"({self.finishing.settings.min_volume:g}); choose a smaller one."
            )
        if self.dropped:
            self.warn(f"{self.dropped} of {len(labels)} labels are smaller than min_volume and have no surface.")

    def warn(self, text: str) -> None:
        """Tell a warning."""
        self.warnings.append(text)
        self.on_event(Warned(text))

    @property
    def voxels(self) -> int:
        """Voxels that are read."""
        return self.finishing.source.box.size

    def _find(self, files: FaceFiles) -> None:
        source, settings = self.finishing.source, self.finishing.settings
        size, threads = block_size(source, settings)
        blocks = source.blocks(size)
        self.steps.total = 2 * len(blocks)

        def find(block: tuple[Box, int | None]) -> None:
            files.add(source.faces(*block))

        for _ in self.steps.run(find, blocks, threads):
            pass

    def _make(
        self, files: FaceFiles, labels: Array, counts: Array, take: Callable[[int, MeasuredSurface], None]
    ) -> None:
        room = self.finishing.settings.budget_bytes // 2
        self._check_room(labels, counts, room)
        lock = threading.Lock()

        def make(group: range) -> None:
            for number in group:
                made = self.finishing.surface(int(labels[number]), *files.read(number))
                if made is None:
                    with lock:
                        self.dropped += 1
                else:
                    take(number, made)

        groups = list(_groups(counts))
        threads = self.finishing.settings.n_threads
        large = [g for g in groups if int(counts[g.start : g.stop].max()) * _FACE_BYTES * threads > room]
        small = [g for g in groups if int(counts[g.start : g.stop].max()) * _FACE_BYTES * threads <= room]
        self.steps.total = self.steps.done + len(groups)
        for part, side_by_side in ((large, 1), (small, threads)):
            for _ in self.steps.run(make, part, side_by_side):
                pass

    def _check_room(self, labels: Array, counts: Array, room: int) -> None:
        largest = int(np.argmax(counts))
        need = int(counts[largest]) * _FACE_BYTES
        if need > room:
            raise SettingsError(
                f"memory_budget is {2 * room // 2**20} MiB, but the surface of label {labels[largest]} has "
                f"{counts[largest]:,} faces and needs {2 * need // 2**20} MiB; raise the budget, take a coarser scale, "
                "or mesh a region."
            )

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin


def _groups(counts: Array) -> Iterator[range]:
    """Yield runs of labels that are made together."""
    start = held = 0
    for number, count in enumerate(counts.tolist()):
        if held and held + count > _GROUP_FACES:
            yield range(start, number)
            start, held = number, 0
        held += count
    if held:
        yield range(start, len(counts))
