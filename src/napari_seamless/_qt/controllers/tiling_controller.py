"""Turns the settings into a job and says what it will cost before anybody starts it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._qt import text
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.rest import rest
from napari_seamless._qt.state import Phase
from napari_seamless._qt.views.run_view import RunView
from napari_seamless._qt.views.tiling_view import TilingView
from napari_seamless.engine.device import choose_devices
from napari_seamless.errors import SeamlessError
from napari_seamless.recipe import RunSettings, make_settings

PREPARE_MS = 60
MEASURE_MS = 500


class TilingController(QObject):
    """Between `TilingView`, the figures in `RunView`, the state and the core's plan.

    A change prepares a job after a short rest (no voxel is read), and measures one patch on a thread after a longer
    one; a newer change drops the older measurement.
    """

    def __init__(self, view: TilingView, run_view: RunView, parts: Parts) -> None:
        super().__init__(view)
        self._view, self._run_view = view, run_view
        self._state, self._worker, self._core = parts.state, parts.worker, parts.core
        state = parts.state
        self.job: Any = None
        self.network_lock = threading.Lock()
        self._generation = 0
        self._measuring = False
        self._complaint = ""
        self._prepare_soon = rest(self, PREPARE_MS, self.prepare)
        self._measure_soon = rest(self, MEASURE_MS, self._measure)
        view.setting_changed.connect(lambda name, value: state.change(**{name: value}))
        view.output.output_changed.connect(self._on_output)
        view.output.if_exists_changed.connect(lambda value: setattr(state, "if_exists", value))
        for name in ("volume", "model", "values", "output", "if_exists"):
            getattr(state.events, name).connect(self._on_change)
        state.events.phase.connect(self._on_phase)
        state.events.values.connect(self._show_settings)
        state.events.volume.connect(self._show_axes)
        self._show_settings()

    def new_job(self) -> Any:
        """Return a job for the state as it is, or None after saying why there is none.

        Where an automatic batch size has to be measured, it is 1 here: see `settle`.
        """
        state = self._state
        if state.volume is None or state.model is None:
            return None
        try:
            settings = make_settings(**state.values)
            quick = settings.model_copy(update={"batch_size": 1}) if _is_measured(settings) else settings
            job = self._core.prepare(
                state.volume,
                state.model,
                quick,
                state.output,
                overwrite=state.if_exists == "overwrite",
                resume=state.if_exists == "resume",
            )
        except (SeamlessError, OSError) as error:
            self._complaint = str(error)
            state.say(self._complaint, "error")
            return None
        if state.message.text == self._complaint:
            state.say("")
        return job

    def settle(self, job: Any) -> Callable[[], Any]:
        """Return what makes a job final: a function for a thread, because it may try many batches on a GPU."""
        settings = make_settings(**self._state.values)
        if not _is_measured(settings):
            return lambda: job

        def settled() -> Any:
            return self._core.prepare(
                job.volume, job.model, settings, job.output, overwrite=job.overwrite, resume=job.resume
            )

        return settled

    def prepare(self) -> None:
        """Prepare a job for the settings as they are, show its figures, and measure one patch soon."""
        self._prepare_soon.stop()
        if self._state.phase.busy:
            return
        self.job = self.new_job()
        self._generation += 1
        if self.job is None:
            self._run_view.show_estimate({})
            self._view.show_step("")
            return
        self._show_estimate(None)
        self._measure_soon.start()

    def close(self) -> None:
        """Drop what is waiting."""
        self._prepare_soon.stop()
        self._measure_soon.stop()
        self._generation += 1

    def _on_change(self, *_: object) -> None:
        self._generation += 1
        self._measure_soon.stop()
        if not self._state.phase.busy:
            self._prepare_soon.start()

    def _on_phase(self, phase: Phase) -> None:
        """Leave the machine to the run; its end changes no setting, so nothing is prepared again."""
        if phase.busy:
            self.close()

    def _on_output(self, path: str) -> None:
        self._state.output = Path(path).expanduser() if path else None

    def _measure(self) -> None:
        """Measure one patch; one measurement at a time, and none while a run has the network."""
        if self.job is None or self._state.phase.busy:
            return
        if self._measuring:
            self._measure_soon.start()
            return
        self._measuring = True
        generation, settled = self._generation, self.settle(self.job)

        def work() -> tuple[Any, float]:
            with self.network_lock:
                job = settled()
                return job, job.measure()

        self._worker.start(
            work,
            lambda measured: self._on_measured(generation, *measured),
            lambda error: self._on_not_measured(generation, error),
            name="measure",
        )

    def _on_measured(self, generation: int, job: Any, seconds: float) -> None:
        self._measuring = False
        if generation == self._generation:
            self.job = job
            self._show_estimate(seconds)

    def _on_not_measured(self, generation: int, error: Exception) -> None:
        """Say already now what would stop the run at its first patch."""
        self._measuring = False
        if generation == self._generation:
            self._complaint = str(error) if isinstance(error, SeamlessError) else f"The network failed: {error}."
            self._state.say(self._complaint, "error")

    def _show_estimate(self, seconds: float | None) -> None:
        estimate = self.job.estimate()
        texts = {
            "patches": f"{estimate.patches:,}".replace(",", " "),
            "evaluations": f"{estimate.evaluations_per_voxel:.1f} ×",
            "time": "…" if seconds is None else f"~ {text.rough(seconds * estimate.patches)}",
            "memory": text.size(estimate.memory_bytes),
        }
        self._run_view.show_estimate(texts)
        step = self.job.plan.step
        self._view.show_step(f"step {step[0]} voxels" if len(set(step)) == 1 else f"step {text.times(step)}")

    def _show_settings(self, *_: object) -> None:
        self._view.show_settings(self._state.values)

    def _show_axes(self, *_: object) -> None:
        if self._state.volume is None:
            return
        self._view.patch.set_axes(self._state.volume.spatial_axes)
        self._view.rare.set_axes(self._state.volume.spatial_axes)
        size = self._state.values["patch_size"]
        if isinstance(size, tuple) and len(size) != len(self._state.volume.spatial_axes):
            self._state.change(patch_size=self._view.patch.value())


def _is_measured(settings: RunSettings) -> bool:
    """Return whether preparing tries batches on a GPU, which takes too long for the main thread."""
    return settings.batch_size == "auto" and choose_devices(settings.device)[0].type != "cpu"
