"""The stages of finding instances, in their order."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_seamless.engine.distance import write_distance_map
from napari_seamless.engine.distance.labels import spacing_warnings
from napari_seamless.engine.distance.progress import Steps
from napari_seamless.engine.events import OnEvent, Warned
from napari_seamless.engine.instances.block_files import BlockFiles
from napari_seamless.engine.instances.layout import Layout
from napari_seamless.engine.instances.output import output_spec
from napari_seamless.engine.instances.passes import Passes
from napari_seamless.engine.instances.sources import Depths, Foreground
from napari_seamless.engine.instances.stages import Stages
from napari_seamless.errors import VolumeError
from napari_seamless.sinks import OmeZarrSink
from napari_seamless.sinks.new_folder import new_folder
from napari_seamless.volume import cached, useful_cache_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.instances.pieces import Pieces
    from napari_seamless.engine.instances.settings import InstanceSettings
    from napari_seamless.instances import Numbering
    from napari_seamless.types import Volume


@dataclass(slots=True, eq=False)
class Work:
    """Instances of one volume.

    Parameters
    ----------
    volume : Volume
        The labels.
    path : pathlib.Path
        The output.
    scratch : pathlib.Path
        An empty folder.
    settings : InstanceSettings
        What a person chose.
    on_event : callable
        Told of the progress.
    control : Control
        Cancels and pauses.
    """

    volume: Volume
    path: Path
    scratch: Path
    settings: InstanceSettings
    on_event: OnEvent
    control: Control
    warnings: list[str] = field(default_factory=list, init=False)
    _begin: float = field(default_factory=time.perf_counter, init=False)

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.perf_counter() - self._begin

    def run(self) -> Numbering:
        """Find the instances and write them."""
        layout, stages = Layout.of(self.volume, self.settings), Stages(self.on_event)
        blocks = len(layout.indices)
        shape = tuple(min(b + 2, n) for b, n in zip(layout.block, layout.shape, strict=True))[-layout.axes :]
        bound = self.settings.budget_bytes // 4
        self.volume = cached(self.volume, useful_cache_bytes(self.volume, shape, bound))
        foreground = Foreground(self.volume, self.settings.label_value, layout, self.settings.connectivity)
        source: Foreground | Depths = foreground
        if self.settings.method == "watershed":
            self._tell(*spacing_warnings(self.volume))
            found = self._count(foreground, Steps(blocks, stages.stage(4 * blocks), self.control))
            if 0 < found < math.prod(layout.shape):
                depth = self._depth(stages, 3 * blocks)
                depth = cached(depth, useful_cache_bytes(depth, shape, bound, channel=0))
                source = Depths(depth, 1 if self.settings.label_value is None else -1, layout, foreground.connectivity)
            elif found:
                self._tell(
                    "Every voxel is foreground, which leaves no border to measure depths from; there is one instance."
                )
        steps = Steps(3 * blocks, stages.stage(0), self.control)
        files = BlockFiles(self.scratch / "pieces", layout)
        files.folder.mkdir()
        passes = Passes(source, files, layout, self.settings, steps)
        pieces = passes.pieces()
        self._check(int(pieces.sizes.sum()))
        numbering = passes.numbering(pieces, self.volume.spacing)
        self._write(passes, pieces, numbering)
        return numbering

    def _write(self, passes: Passes, pieces: Pieces, numbering: Numbering) -> None:
        """Write the output, which nobody sees before it is complete."""
        spec = output_spec(self.volume, self.settings, numbering)
        with new_folder(self.path) as fresh:
            sink = OmeZarrSink(fresh, spec, dict(spec.metadata))
            try:
                passes.write(pieces, numbering, sink)
                self.control.checkpoint()
                sink.finish()
            finally:
                sink.close()
        if numbering.dropped and not numbering.count:
            self._tell(
                f"All {numbering.dropped} instances have fewer than {self.settings.min_size} voxels; none is left."
            )

    def _count(self, foreground: Foreground, steps: Steps) -> int:
        """Count the voxels of the foreground."""
        layout = foreground.layout

        def count(index: tuple[int, ...]) -> int:
            return int(np.count_nonzero(foreground.mask(layout.box(index))))

        found = sum(steps.run(count, layout.indices, layout.threads))
        if found == 0 and self.settings.label_value is not None:
            self._check(0)
        return found

    def _check(self, found: int) -> None:
        """Refuse a label that no voxel has; tell where there is no foreground at all."""
        if found:
            return
        if self.settings.label_value is not None:
            raise VolumeError(
                f"label_value is {self.settings.label_value}, but no voxel of the labels has it; "
                "choose another, or leave it out for every label but 0."
            )
        self._tell("Every label is 0, which is background; there are no instances.")

    def _depth(self, stages: Stages, later: int) -> Volume:
        """Write the distance map of the foreground's border into the scratch folder."""
        settings = replace(self.settings.distances, spacing=None)
        tell = stages.stage(later, silent=True)
        path = self.scratch / "depth"
        return write_distance_map(self.volume, path, settings, on_event=tell, control=self.control).volume

    def _tell(self, *texts: str) -> None:
        self.warnings += texts
        for text in texts:
            self.on_event(Warned(text))
