"""What is known of the network on a region: predictions, number of classes, and how long patches take."""

from __future__ import annotations

import itertools
import time
from threading import RLock
from typing import TYPE_CHECKING, Any

from napari_seamless.engine.events import Measuring, OnEvent, Warned
from napari_seamless.engine.tuning.evaluation import RegionEvaluation
from napari_seamless.engine.tuning.predictions import Predictions
from napari_seamless.engine.tuning.stage_times import Prediction, predict
from napari_seamless.errors import SettingsError
from napari_seamless.patches import Statistics, volume_statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.types import Box, Plan


class EvaluatedPatches:
    """Evaluates every patch once, whatever settings need it, for one pass at a time.

    Parameters
    ----------
    region : Box
        What of the patches is kept.
    cache_bytes : int
        Memory for predictions.
    on_outputs : callable
        Gets the number of channels that the network returns, with the first patch; what it raises ends the pass.
    """

    def __init__(self, region: Box, cache_bytes: int, on_outputs: Callable[[int], None]) -> None:
        self.predictions = Predictions(region, cache_bytes)
        self.outputs: int | None = None
        self.warnings: tuple[str, ...] = ()
        self._region = region
        self._on_outputs = on_outputs
        self._evaluations: dict[tuple[int, ...], RegionEvaluation] = {}
        self._statistics: Statistics | None = None
        self._seconds_before: float | None = None
        self._busy = RLock()

    def missing(self, plan: Plan) -> list[tuple[int, ...]]:
        """Return the indices of the patches of a plan that touch the region and were not evaluated."""
        indices = itertools.product(*plan.touching(self._region))
        return [index for index in indices if plan.patch_box(index) not in self.predictions]

    def evaluate(self, job: Job, on_event: OnEvent, control: Control) -> None:
        """Evaluate what is missing for a run: see `Tuner.evaluate`."""
        with self._busy:
            missing = self.missing(job.plan)
            if not missing:
                return
            tell = self._teller(on_event)
            self._measure(job, tell, control)
            if self.outputs is not None:
                self.predictions.check_room([job.plan.patch_box(index) for index in missing], self.outputs)
            self._evaluation(job, tell).run(job, missing, self.predictions, tell, control)

    def predict(self, job: Job) -> Prediction:
        """Return the time that a run would take.

        Raises
        ------
        SettingsError
            No patch of its size was evaluated yet.
        """
        evaluation = self._evaluations.get(job.plan.patch_size)
        if evaluation is None or self.outputs is None:
            raise SettingsError("The time of a setting is known when patches of its size were evaluated; do so first.")
        return predict(job, evaluation.times(job, self.outputs, self._seconds_before or 0.0))

    def _evaluation(self, job: Job, tell: OnEvent) -> RegionEvaluation:
        size = job.plan.patch_size
        if size not in self._evaluations:
            self._evaluations[size] = RegionEvaluation(job, self._statistics, self._first, tell)
        return self._evaluations[size]

    def _first(self, outputs: int, missing: list[Box]) -> None:
        """Look at the number of channels as soon as it is known, before the rest of the pass."""
        if self.outputs is None:
            self._on_outputs(outputs)
            self.predictions.check_room(missing, outputs)
            self.outputs = outputs

    def _measure(self, job: Job, tell: OnEvent, control: Control) -> None:
        """Measure the intensities of the whole volume, once."""
        if self._seconds_before is not None:
            return

        def on_block(done: int, total: int) -> None:
            control.checkpoint()
            tell(Measuring(done=done, total=total))

        begin = time.perf_counter()
        normalization = job.model.spec.normalization
        if normalization.kind != "none":
            self._statistics = volume_statistics(
                job.volume, normalization, channel=job.settings.channel, on_block=on_block
            )
        self._seconds_before = time.perf_counter() - begin

    def _teller(self, on_event: OnEvent) -> OnEvent:
        def tell(event: Any) -> None:
            if isinstance(event, Warned) and event.text not in self.warnings:
                self.warnings += (event.text,)
            on_event(event)

        return tell
