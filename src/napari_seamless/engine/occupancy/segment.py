"""`segment_occupancy`: a volume of any size, from coarse to fine."""

from __future__ import annotations

import math
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_seamless.engine.beside_output import scratch_beside, written_alone
from napari_seamless.engine.control import Control
from napari_seamless.engine.device import choose_devices
from napari_seamless.engine.events import Measuring, Warned
from napari_seamless.engine.memory import peak_memory_bytes
from napari_seamless.engine.occupancy.events import OccupancyStarted, OnOccupancyEvent, StageEnded, ignore
from napari_seamless.engine.occupancy.field import OccupancyField, check_head
from napari_seamless.engine.occupancy.lattice import lattice_shape
from napari_seamless.engine.occupancy.output import output_spec
from napari_seamless.engine.occupancy.result import OccupancySegmentation
from napari_seamless.engine.occupancy.run import StagesRun
from napari_seamless.engine.occupancy.settings import OccupancySettings
from napari_seamless.engine.occupancy.source import NormalizedVolume, open_source
from napari_seamless.engine.preparation import check_apart, output_path
from napari_seamless.errors import ModelError, RunCancelledError, SettingsError
from napari_seamless.models.oss_net import OSSNet, load
from napari_seamless.sinks import MemorySink, OmeZarrSink
from napari_seamless.volume import open_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.sinks import OutputSpec, Sink
    from napari_seamless.types import Volume

SCRATCH_SHARE = 4
"""This part of the budget may hold what is known of coarse points; more of it lies in a scratch folder."""

NetworkSource = OSSNet | str | os.PathLike[str]


def segment_occupancy(  # noqa: PLR0913  the last ones say where to and how, by name
    volume: Any,
    network: NetworkSource,
    settings: OccupancySettings | None = None,
    output: str | os.PathLike[str] | None = None,
    *,
    axes: str | None = None,
    overwrite: bool = False,
    on_event: OnOccupancyEvent = ignore,
    control: Control | None = None,
) -> OccupancySegmentation:
    """Segment a volume with an OSS-Net: every few voxels first, then what lies near to what was found.

    A network that was trained on crops sees crops of that size that overlap, each with latent vectors and coordinates
    of its own, as in training. For others the result is that of `OSSNet.segment` on the whole volume in memory,
    whatever the chunks and the memory budget, as long as the volume is encoded as a whole. A plain encoder takes one
    size only: a volume of another size is cut into parts of that size, with latent vectors for each; so is a volume
    whose encoding exceeds half of the budget.

    Parameters
    ----------
    volume : array, path, napari layer, Volume or anything that `open_volume` takes
        (c, z, y, x) or (z, y, x): the channels are the network's modalities.
    network : OSSNet or path
        The network, or its file.
    settings : OccupancySettings, optional
        Stages, thresholds, pooling, memory, device. The network moves to the device.
    output : path, optional
        Folder of the OME-Zarr output; None keeps the labels in memory.
    axes : str, optional
        Name of each array axis where the volume has none.
    overwrite : bool
        Replace an OME-Zarr that is there.
    on_event : callable
        Called from the caller's thread with `Measuring`, `OccupancyStarted`, `ChunkWritten` for each chunk of each
        stage, `Progress` (points of all stages), `StageEnded` and `Warned`.
    control : Control, optional
        Cancels and pauses between batches of coordinates; what is in sight comes first in each stage.

    Returns
    -------
    OccupancySegmentation

    Raises
    ------
    RunCancelledError
        The control cancelled the run; the stages that were written stay.
    SeamlessError
        Something does not fit or cannot be written; the text says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> network = OSSNet.from_settings("oss_net_C1_lits", width=8, encoder_channels=(4, 4), latent_grid=(2, 2, 2))
    >>> segment_occupancy(np.zeros((16, 16, 16)), network, OccupancySettings(device="cpu")).array.shape
    (16, 16, 16)
    """
    settings = settings or OccupancySettings()
    found = as_network(network)
    check_head(found, settings)
    opened = open_source(volume, found.settings, axes, settings.budget_bytes // 4)
    path = None if output is None else output_path(output, overwrite=overwrite, resume=False)
    check_apart(path, opened)
    spec = output_spec(opened, found.settings, settings)
    _check_room(spec, settings, path)
    call = _Call(
        volume=opened,
        network=found.to(choose_devices(settings.device)[0]),
        settings=settings,
        spec=spec,
        on_event=on_event,
        control=control or Control(),
    )
    if path is None:
        return call.run(MemorySink(spec), None)
    with written_alone(path, f"The run was cancelled; {path} keeps what was written."):
        sink = OmeZarrSink(path, spec, dict(spec.metadata), overwrite=overwrite, record=False)
        return call.run(sink, path)


@dataclass(slots=True, kw_only=True, eq=False)
class _Call:
    """One call, between its checks and its result."""

    volume: Volume
    network: OSSNet
    settings: OccupancySettings
    spec: OutputSpec
    on_event: OnOccupancyEvent
    control: Control
    warnings: list[str] = field(default_factory=list)

    def run(self, sink: Sink, path: Path | None) -> OccupancySegmentation:
        """Fill the sink."""
        begin = time.perf_counter()
        try:
            self.on_event(OccupancyStarted(sink.volume))
            seen = self._field()
            encoded = time.perf_counter()
            with self._scratch(path) as scratch:
                run = StagesRun(seen, self.settings, self.spec, sink, scratch, self.on_event, self.control)
                stages = run.run()
            sink.finish()
        except RunCancelledError:
            raise RunCancelledError("The run was cancelled.") from None
        finally:
            sink.close()
        self._warn_of_nothing(stages)
        end = time.perf_counter()
        return OccupancySegmentation(
            volume=sink.volume if path is None else open_volume(path),
            path=None if path is None else str(path),
            classes=self.spec.classes,
            stages=stages,
            parts=len(seen.encoded),
            timings={"encode": encoded - begin, "answer": end - encoded, "total": end - begin},
            peak_memory_bytes=peak_memory_bytes(),
            warnings=tuple(self.warnings),
        )

    def _field(self) -> OccupancyField:
        source = NormalizedVolume(self.volume, self.settings.normalization, self._measuring)
        seen = OccupancyField(self.network, source, self.settings, self._measuring)
        if seen.is_cut and self.network.settings.crop is None:
            size = tuple(2 * n for n in seen.encoded[0].part.low_shape)
            self._warn(
                f"{self.volume.name} is encoded in {len(seen.encoded)} parts of {size} voxels, each by itself: "
                "the encoder takes no other size, or the memory budget holds no larger one."
            )
        return seen

    def _measuring(self, done: int, total: int) -> None:
        self.control.checkpoint()
        self.on_event(Measuring(done, total))

    def _warn_of_nothing(self, stages: tuple[StageEnded, ...]) -> None:
        if stages[-1].inside == 0:
            first = stages[0].spacing
            self._warn(
                f"No voxel's occupancy exceeds the threshold {self.settings.threshold:g} at any point that was looked "
                f"at, so the result is empty; lower the threshold, or begin with a stage finer than {first}."
            )

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        self.on_event(Warned(text))

    @contextmanager
    def _scratch(self, path: Path | None) -> Iterator[Path | None]:
        """Give a folder for what is known of coarse points, where that exceeds its share of the memory."""
        shapes = (lattice_shape(self.spec.shape, n) for n in self.settings.plan.spacings[:-1])
        if sum(map(math.prod, shapes)) <= self.settings.budget_bytes // SCRATCH_SHARE:
            yield None
        elif path is None:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                yield Path(folder)
        else:
            with scratch_beside(path) as folder_beside:
                yield folder_beside


def as_network(network: NetworkSource) -> OSSNet:
    """Return a network, loaded where it is named by its file; ready for use."""
    if isinstance(network, OSSNet):
        return network.eval()
    if isinstance(network, str | os.PathLike):
        return load(Path(network))
    raise ModelError(f"network must be an OSSNet or the path of one, got {type(network).__name__}; see load_network.")


def _check_room(spec: OutputSpec, settings: OccupancySettings, path: Path | None) -> None:
    need = math.prod(spec.shape)
    if path is None and need > settings.budget_bytes // 2:
        raise SettingsError(
            f"The labels need {need // 2**20} MiB in memory, and half of the memory budget is "
            f"{settings.budget_bytes // 2**21} MiB; give an output folder."
        )
