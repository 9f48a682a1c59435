"""Instances, from the words of a command line to what is said at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.progress import TerminalReporter
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.cli.wording import aligned, byte_size, duration, times
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import Event, Progress
from napari_seamless.engine.instances import InstanceSettings, WrittenInstances, write_instances
from napari_seamless.errors import RunCancelledError

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEPS = "{desc}Finding instances {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left"


class InstancesReporter(TerminalReporter):
    """A bar over the steps of the work, and one line for each warning."""

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


def written_instances(
    labels: str,
    output: str,
    settings: Mapping[str, Any],
    reporter: InstancesReporter,
    *,
    axes: str | None = None,
    overwrite: bool = False,
) -> WrittenInstances:
    """Write instances and show how it goes on.

    Raises
    ------
    Stopped
        A signal came; nothing is left.
    SeamlessError
        Anything that a person can mend.
    """
    chosen, control = InstanceSettings(**settings), Control()
    with cancel_on_signals(control) as interruption, reporter:
        try:
            return write_instances(
                labels, output, chosen, axes=axes, overwrite=overwrite, on_event=reporter, control=control
            )
        except RunCancelledError as error:
            raise Stopped(str(error), interruption.exit_code) from None


def as_values(written: WrittenInstances) -> dict[str, Any]:
    """Return finished instances as JSON-able values."""
    volume = written.volume
    return {
        "output": written.path,
        "shape": list(volume.shape),
        "dtype": str(volume.dtype),
        "instances": written.count,
        "dropped": written.dropped,
        "seconds": round(written.seconds, 6),
        "peak_memory_bytes": written.peak_memory_bytes,
        "warnings": list(written.warnings),
    }


def summary(written: WrittenInstances) -> str:
    """Return finished instances as a few lines for people."""
    volume = written.volume
    dropped = f", {written.dropped} smaller ones dropped" if written.dropped else ""
    rows = {
        "instances": f"{written.count}{dropped}",
        "labels": f"{times(volume.shape)} voxels, {volume.dtype}",
        "pyramid": f"{len(volume.levels)} level{'s' if len(volume.levels) > 1 else ''}",
        "time": duration(written.seconds),
        "peak memory": byte_size(written.peak_memory_bytes),
    }
    return f"{written.path}\n{aligned(rows)}"
