"""A region whose patches are evaluated once and blended for any setting."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from napari_seamless.engine.classes import class_names
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import OnEvent, ignore_event
from napari_seamless.engine.preparation import prepare
from napari_seamless.engine.tuning.blended import Blended, Blender
from napari_seamless.engine.tuning.evaluated import EvaluatedPatches
from napari_seamless.engine.tuning.sampled import Sampled
from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.models import ModelSource, load_model
from napari_seamless.volume import open_volume, parse_region

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from napari_seamless.engine.job import Job
    from napari_seamless.engine.tuning.candidate import Candidate
    from napari_seamless.engine.tuning.predictions import Predictions
    from napari_seamless.engine.tuning.stage_times import Prediction
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Box, Plan

_KEPT_JOBS = 256


class TunedRegion:
    """Evaluate, blend and predict on a region; see `Tuner`, which compares too.

    Parameters
    ----------
    volume, model, settings, region
        As in `Tuner`.
    cache_bytes : int
        Memory for predictions.
    """

    def __init__(
        self, volume: Any, model: ModelSource, settings: RunSettings, region: Box | str, cache_bytes: int
    ) -> None:
        self.volume = open_volume(
            volume, missing_chunks=settings.missing_chunks, damaged_chunks=settings.damaged_chunks
        )
        self.region = parse_region(region, self.volume)
        self.settings = settings
        self.model = load_model(model, activation=settings.activation)
        self._evaluated = EvaluatedPatches(self.region, cache_bytes, self._check_outputs)
        self._blender = Blender(self.predictions, self.region, settings.threshold)
        self._jobs: Callable[[Candidate, bool], Job] = lru_cache(_KEPT_JOBS)(self._prepared)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the labels, background first; None before the first patch where the network does not say."""
        outputs = self._evaluated.outputs
        return None if outputs is None else class_names(self.model.spec, outputs, labels=True)

    @property
    def predictions(self) -> Predictions:
        """What the network returned for each patch that was evaluated."""
        return self._evaluated.predictions

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the passes so far."""
        return self._evaluated.warnings

    @property
    def held_bytes(self) -> tuple[int, int]:
        """Bytes of predictions in memory and on disk."""
        return self.predictions.held_bytes, self.predictions.spilled_bytes

    def job(self, candidate: Candidate, *, whole: bool = False) -> Job:
        """Return the run of a setting over the region, or over the whole volume.

        Raises
        ------
        SeamlessError
            The setting does not fit the volume or the network.
        """
        return self._jobs(candidate, whole)

    def plan(self, candidate: Candidate, *, whole: bool = False) -> Plan:
        """Return the geometry of a setting: the patches of the whole volume's grid that touch the region."""
        return self.job(candidate, whole=whole).plan

    def missing(self, candidate: Candidate) -> int:
        """Return how many patches of a setting were not evaluated yet."""
        return len(self._evaluated.missing(self.plan(candidate)))

    def evaluate(
        self, candidate: Candidate, *, on_progress: OnEvent | None = None, control: Control | None = None
    ) -> None:
        """Evaluate what is missing for a setting; blocks, and what is evaluated can be blended meanwhile.

        Parameters
        ----------
        candidate : Candidate
            The setting.
        on_progress : callable or None
            Gets `Measuring`, `Progress` (patches that were missing) and `Warned`, from several threads.
        control : Control or None
            Cancels and pauses; what it looks at comes first.

        Raises
        ------
        RunCancelledError
            The control cancelled it; what was evaluated is kept.
        SeamlessError
            Something went wrong; the text says what to do.
        """
        self._evaluated.evaluate(self.job(candidate), on_progress or ignore_event, control or Control())

    def blend(
        self,
        candidate: Candidate,
        box: Box | None = None,
        *,
        seam: bool = True,
        threads: int | None = None,
        every: int = 1,
    ) -> Blended:
        r"""Blend a box from the predictions that are there.

        Parameters
        ----------
        candidate : Candidate
            The setting.
        box : Box or None
            Part of the region in voxels of the volume; None takes all of it.
        seam : bool
            Whether to look for disagreement too.
        threads : int or None
            Threads for larger boxes; None takes the processors there are.
        every : int
            Blend every so manieth voxel along each axis alone, for a quick preview.

        Returns
        -------
        Blended
            Where `Blended.covered`, what a run with these settings holds, to the byte.

        Raises
        ------
        GeometryError
            The box is empty or reaches outside the region.
        SettingsError
            Nothing was evaluated yet.
        """
        box = self.region if box is None else box
        if box.size == 0 or box.intersect(self.region) != box:
            raise GeometryError(
                f"The box from {box.start} to {box.stop} is empty or reaches outside the region from "
                f"{self.region.start} to {self.region.stop}; choose a part of the region."
            )
        if self._evaluated.outputs is None:
            raise SettingsError("There is nothing to blend yet; evaluate a candidate first.")
        sampled, outputs = Sampled(box, every), self._evaluated.outputs
        return self._blender.blend(self.plan(candidate), sampled, outputs, seam=seam, threads=threads)

    def predict(self, candidate: Candidate) -> Prediction:
        """Return the time that a run over the whole volume would take.

        Raises
        ------
        SettingsError
            No patch of this size was evaluated yet.
        """
        return self._evaluated.predict(self.job(candidate, whole=True))

    def close(self) -> None:
        """Drop the predictions and remove what lies on disk."""
        self.predictions.close()

    def _prepared(self, candidate: Candidate, whole: bool) -> Job:
        own = {} if whole else {"region": self.region}
        settings = candidate.settings(self.settings, activation=None, write="labels", **own)
        return prepare(self.volume, self.model, settings, window=candidate.shape)

    def _check_outputs(self, outputs: int) -> None:
        """Look at the number of channels that the network returns, as soon as it is known."""
