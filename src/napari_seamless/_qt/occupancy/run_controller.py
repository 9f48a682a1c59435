"""Runs an OSS-Net and shows its stages in one layer."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari_seamless._napari.growing import GrowingLayers
from napari_seamless._napari.layers import labels_layer
from napari_seamless._qt import text
from napari_seamless._qt.controllers.clock import RunClock
from napari_seamless._qt.controllers.sight_controller import SightController
from napari_seamless._qt.occupancy.compare_controller import CompareController
from napari_seamless._qt.occupancy.view import OccupancyView
from napari_seamless._qt.pacing import paced
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.state import Phase
from napari_seamless._qt.views.run_view import RunView
from napari_seamless.engine.classes import class_colors
from napari_seamless.engine.events import ChunkWritten, Measuring, Progress, Warned
from napari_seamless.engine.occupancy import OccupancySettings, OccupancyStarted, StageEnded, segment_occupancy
from napari_seamless.errors import RunCancelledError, SeamlessError, SettingsError
from napari_seamless.types import ModelSpec
from napari_seamless.volume import at


class OccupancyRunController:
    """Between `OccupancyView`, `RunView`, the engine and the result's layer; acts while an OSS-Net is chosen."""

    def __init__(
        self, viewer: Any, views: tuple[OccupancyView, RunView], parts: Parts, sight: SightController,
        compare: CompareController,
    ) -> None:  # fmt: skip
        self._viewer, self._sight, self._compare = viewer, sight, compare
        self._view, self._run_view = views
        self._state, self._worker, self._core = parts.state, parts.worker, parts.core
        self._control: Any = None
        self._result: GrowingLayers | None = None
        self._clock = RunClock()
        self._end = ""
        self._run_view.run_asked.connect(self.run)
        self._run_view.pause_asked.connect(self.pause_or_resume)
        self._run_view.cancel_asked.connect(self.cancel)
        for name in ("phase", "volume", "occupancy"):
            getattr(parts.state.events, name).connect(self._show_phase)

    def run(self) -> None:
        """Start a run unless one is under way."""
        state = self._state
        if state.phase.busy or state.occupancy is None or state.volume is None:
            return
        try:
            settings, volume = self._settings(), self._volume()
        except SeamlessError as error:
            state.say(str(error), "error")
            return
        self._control, self._clock, self._end = self._core.make_control(), RunClock(), ""
        state.phase = Phase.RUNNING
        state.say("Starting …")
        self._run_view.show_timings({})
        self._sight.follow(self._control, volume)
        network, control, on_event = state.occupancy, self._control, paced(partial(self._worker.post, self._on_event))
        path = self._view.output.path.text().strip() or None
        overwrite = self._view.output.if_exists.currentData() == "overwrite"

        def work() -> Any:
            return segment_occupancy(
                volume, network, settings, path, overwrite=overwrite, on_event=on_event, control=control
            )

        self._worker.start(work, self._on_done, self._on_failed, name="run")

    def pause_or_resume(self) -> None:
        """Pause a run, or let a paused one go on."""
        if self._control is None or self._state.phase not in {Phase.RUNNING, Phase.PAUSED}:
            return
        pausing = self._state.phase is Phase.RUNNING
        (self._control.pause if pausing else self._control.resume)()
        (self._clock.pause if pausing else self._clock.resume)()
        self._state.phase = Phase.PAUSED if pausing else Phase.RUNNING
        self._state.say("Paused after the current batch; nothing is lost." if pausing else "")

    def cancel(self, reason: str = "") -> None:
        """Ask the run to end after the current batch."""
        if self._control is not None and self._state.phase in {Phase.RUNNING, Phase.PAUSED}:
            self._end = reason
            self._control.cancel()
            self._state.phase = Phase.STOPPING
            self._state.say(reason or "Stopping after the current batch …")

    def close(self) -> None:
        """Cancel and let go of the viewer."""
        if self._control is not None:
            self._control.cancel()
        if self._result is not None:
            self._result.close()
            self._result = None

    def _settings(self) -> OccupancySettings:
        chosen = self._view.values()
        try:
            chosen["stages"] = tuple(int(part) for part in chosen["stages"].replace(",", " ").split())
        except ValueError:
            raise SettingsError(f"Stages must be whole numbers such as 4, 2, 1, not {chosen['stages']!r}.") from None
        values = self._state.values
        if values["region"] is not None:
            raise SettingsError("An OSS-Net looks at the whole volume; clear the region, or cut the volume first.")
        return OccupancySettings(**chosen, memory_budget=values["memory_budget"], device=values["device"])

    def _volume(self) -> Any:
        volume, channel = self._state.volume, self._state.values["channel"]
        return at(volume, c=channel) if channel is not None and "c" in volume.axes else volume

    def _on_event(self, event: Any) -> None:
        if isinstance(event, OccupancyStarted):
            self._on_started(event)
        elif isinstance(event, ChunkWritten) and self._result is not None:
            self._result.add(event.box)
        elif isinstance(event, Progress):
            left = self._clock.left(event.done, event.total)
            self._show_progress(event.done, event.total, "" if left is None else f"{text.duration(left)} left")
        elif isinstance(event, Measuring) and self._state.phase is Phase.RUNNING:
            self._state.say(f"Encoding the volume {event.done / event.total:.0%}")
        elif isinstance(event, StageEnded) and self._state.phase is Phase.RUNNING:
            shown = "every voxel" if event.spacing == 1 else f"every {event.spacing} voxels"
            self._state.say(f"Looked at {shown} in {text.duration(event.seconds)}; {event.inside:,} points are inside.")
        elif isinstance(event, Warned):
            self._state.say(event.text, "warning")

    def _on_started(self, event: OccupancyStarted) -> None:
        names = tuple(event.volume.label_names.values())
        layer = labels_layer(event.volume, colors=class_colors(ModelSpec(name="oss-net"), names))
        self._result = GrowingLayers(self._viewer, [layer], self._on_removed)

    def _on_removed(self) -> None:
        if not self._view.output.path.text().strip():
            self.cancel("The result's layer was removed, so the run was cancelled.")

    def _on_done(self, result: Any) -> None:
        layers = [] if self._result is None else list(self._result.layers)
        self._finish()
        seconds = result.timings["total"]
        self._show_progress(1, 1, f"{text.duration(seconds)} in total")
        share = result.evaluated / max(1, result.stages[-1].points)
        said = f"Done: {result.evaluated:,} coordinates, {share:.0%} of the voxels."
        self._state.say(*((result.warnings[-1], "warning") if result.warnings else (said, "done")))
        if layers:
            self._compare.add(f"OSS-Net {self._state.occupancy.settings.name}", seconds, layers[0])

    def _on_failed(self, error: Exception) -> None:
        self._finish()
        if isinstance(error, RunCancelledError):
            self._state.say(self._end or str(error), "warning" if self._end else "info")
        else:
            self._state.say(sentence(error), "error")

    def _finish(self) -> None:
        self._sight.stop()
        if self._result is not None:
            self._result.finish()
            self._result = None
        self._control = None
        self._state.phase = Phase.IDLE

    def _show_progress(self, done: int, total: int, left: str) -> None:
        self._run_view.show_progress(done, total, left)
        self._run_view.done.setText(f"{done / max(1, total):.0%}")

    def _show_phase(self, *_: object) -> None:
        state = self._state
        if state.occupancy is not None:
            self._run_view.show_phase(state.phase, ready=state.volume is not None)
