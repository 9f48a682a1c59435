"""A distance map, from the words of a command line to what is said at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.progress import TerminalReporter
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.cli.wording import aligned, byte_size, duration, times
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance import DistanceSettings, WrittenDistances, write_distance_map
from napari_seamless.engine.events import Event, Progress
from napari_seamless.errors import RunCancelledError

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEPS = "{desc}Measuring distances {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left"


class DistanceReporter(TerminalReporter):
    """A bar over the steps of a distance map, and one line for each warning."""

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if not isinstance(event, Progress):
            super().__call__(event)
            return
        if self._bar is None:
            self._open_bar(event.total, _STEPS)
        if self._bar is not None:
            self._bar.total = event.total
            self._bar.update(event.done - self._bar.n)


def measured(
    labels: str,
    output: str,
    settings: Mapping[str, Any],
    reporter: DistanceReporter,
    *,
    axes: str | None = None,
    overwrite: bool = False,
) -> WrittenDistances:
    """Write a distance map and show how it goes on.

    Raises
    ------
    Stopped
        A signal came; nothing is left.
    SeamlessError
        Anything that a person can mend.
    """
    chosen, control = DistanceSettings(**settings), Control()
    with cancel_on_signals(control) as interruption, reporter:
        try:
            return write_distance_map(
                labels, output, chosen, axes=axes, overwrite=overwrite, on_event=reporter, control=control
            )
        except RunCancelledError as error:
            raise Stopped(str(error), interruption.exit_code) from None


def as_values(written: WrittenDistances) -> dict[str, Any]:
    """Return a finished map as JSON-able values."""
    volume = written.volume
    return {
        "output": written.path,
        "shape": list(volume.shape),
        "classes": list(written.classes),
        "spacing": list(volume.spacing),
        "units": list(volume.units),
        "seconds": round(written.seconds, 6),
        "peak_memory_bytes": written.peak_memory_bytes,
        "warnings": list(written.warnings),
    }


def summary(written: WrittenDistances) -> str:
    """Return a finished map as a few lines for people."""
    volume = written.volume
    units = sorted({unit or "unit unknown" for unit in volume.units})
    rows = {
        "distances": f"{times(volume.spatial_shape)} voxels, in {' and '.join(units)}",
        "pyramid": f"{len(volume.levels)} level{'s' if len(volume.levels) > 1 else ''}",
        "labels": ", ".join(map(str, written.classes)),
        "time": duration(written.seconds),
        "peak memory": byte_size(written.peak_memory_bytes),
    }
    return f"{written.path}\n{aligned(rows)}"
