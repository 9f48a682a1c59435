"""Evaluate a region once, and blend it again for every setting."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from functools import lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from napari_seamless.engine.classes import class_names
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import Measuring, OnEvent, Warned, ignore_event
from napari_seamless.engine.preparation import prepare
from napari_seamless.engine.tuning.blended import Blended, Blender
from napari_seamless.engine.tuning.by_coordinate import performance_by_coordinate, window_by_coordinate
from napari_seamless.engine.tuning.candidate import WINDOWS, Candidate, lattice_candidates
from napari_seamless.engine.tuning.evaluation import Evaluation
from napari_seamless.engine.tuning.point import Point
from napari_seamless.engine.tuning.predictions import Predictions, default_cache_bytes
from napari_seamless.engine.tuning.reference import Reference, check_foreground, check_labels, mean_of, read_truth
from napari_seamless.engine.tuning.stage_times import Prediction, predict
from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.models import ModelSource, load_model
from napari_seamless.patches import Statistics, volume_statistics
from napari_seamless.quality import check_truth, seam_energy
from napari_seamless.volume import open_volume, parse_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from napari_seamless.engine.job import Job
    from napari_seamless.quality import InverseError, PatchPerformance
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Box, Plan, Window, WindowKind

_KEPT_JOBS = 256


class Tuner:
    r"""Compare settings on a region of a volume.

    Patches are those of a run over the whole volume that touch the region. Each is evaluated once, whatever settings
    need it, and what it says about the region is kept; a blend is then a matter of sums, with the bytes of a run.
    One thread may blend while another one evaluates.

    Parameters
    ----------
    volume : Volume or anything that `open_volume` takes
        The input.
    model : Model, path, module, callable or ``"demo"``
        The network.
    settings : RunSettings
        Everything that is not chosen here: device, precision, flips, and so on. Its region is what a run would cover;
        its patch size and window, the first to be looked at.
    region : Box or str
        Where settings are compared: see `parse_region`.
    truth : Volume, or anything that `open_volume` takes, or None
        Reference labels of the volume's shape. Without them, settings are compared with the consensus of the densest
        overlap, which is a proxy: it says how far a setting is from the best that this network can do with patches, and
        not how good that is.
    cache_bytes : int or None
        Memory for predictions, the rest goes to the folder for temporary files; None takes a quarter of what is free,
        4 GiB at most.
    densest : float
        Overlap of the consensus, and the largest of the default curve.
    tolerance : float or None
        Distance that the surface Dice tolerates, in the volume's units; None takes the largest voxel size.

    Raises
    ------
    SeamlessError
        Something does not fit; the text says what to change.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.recipe import make_settings
    >>> image = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    >>> with Tuner(image, lambda x: (x > 0.5) * 1.0, make_settings(patch_size=8), "0:16,0:16") as tuner:
    ...     points = tuner.curve()
    >>> len(points), {point.dice for point in points}
    (16, {1.0})
    """

    def __init__(  # noqa: PLR0913  the last ones by name only
        self,
        volume: Any,
        model: ModelSource,
        settings: RunSettings,
        region: Box | str,
        *,
        truth: Any = None,
        cache_bytes: int | None = None,
        densest: float = 0.75,
        tolerance: float | None = None,
    ) -> None:
        self.volume = open_volume(
            volume, missing_chunks=settings.missing_chunks, damaged_chunks=settings.damaged_chunks
        )
        self.region = parse_region(region, self.volume)
        self.settings = settings
        self.model = load_model(model, activation=settings.activation)
        self.warnings: tuple[str, ...] = ()
        self._tolerance = tolerance
        self.predictions = Predictions(self.region, default_cache_bytes() if cache_bytes is None else cache_bytes)
        """What the network returned for each patch that was evaluated."""
        self._blender = Blender(self.predictions, self.region, settings.threshold)
        self._evaluations: dict[tuple[int, ...], Evaluation] = {}
        self._statistics: Statistics | None = None
        self._seconds_before: float | None = None
        self._busy = RLock()
        self._jobs: Callable[[Candidate, bool], Job] = lru_cache(_KEPT_JOBS)(self._prepared)
        self.consensus = Candidate(self.plan_size(), densest, "edge", "gaussian")
        """What settings are compared with where there is no truth."""
        self._reference = None if truth is None else self._truth(truth)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def has_truth(self) -> bool:
        """Whether settings are compared with reference labels, and not with a consensus."""
        return self._reference is not None and not self._reference.is_proxy

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the labels, background first; None before the first patch where the network does not say."""
        outputs = self._outputs
        return None if outputs is None else class_names(self.model.spec, outputs, labels=True)

    @property
    def held_bytes(self) -> tuple[int, int]:
        """Bytes of predictions in memory and on disk."""
        return self.predictions.held_bytes, self.predictions.spilled_bytes

    def plan_size(self) -> tuple[int, ...]:
        """Return the patch size of the settings, one value per spatial axis."""
        size = self.settings.patch_size
        n = len(self.volume.spatial_axes)
        sizes = (size,) * n if isinstance(size, int) else size
        return sizes * n if len(sizes) == 1 else sizes

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
        return len(self._missing(self.plan(candidate)))

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
        with self._busy:
            job = self.job(candidate)
            missing = self._missing(job.plan)
            if not missing:
                return
            tell, control = self._teller(on_progress or ignore_event), control or Control()
            self._measure(tell, control)
            outputs = self._outputs
            if outputs is not None:
                self.predictions.check_room([job.plan.patch_box(index) for index in missing], outputs)
            self._evaluation(job, tell).run(job, missing, self.predictions, tell, control)
            self._check_classes()

    def blend(
        self, candidate: Candidate, box: Box | None = None, *, seam: bool = True, threads: int | None = None
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
        if self._outputs is None:
            raise SettingsError("There is nothing to blend yet; evaluate a candidate first.")
        return self._blender.blend(self.plan(candidate), box, self._outputs, seam=seam, threads=threads)

    def score(
        self, candidate: Candidate, *, on_progress: OnEvent | None = None, control: Control | None = None
    ) -> Point:
        """Evaluate what is missing, blend, and compare with the truth or the consensus.

        Parameters
        ----------
        candidate : Candidate
            The setting.
        on_progress, control
            As in `evaluate`.

        Raises
        ------
        VolumeError
            The truth has labels that the network does not know, or there is no foreground in the region.
        SeamlessError
            As in `evaluate`.
        """
        self.evaluate(candidate, on_progress=on_progress, control=control)
        reference = self._reference_for(on_progress, control)
        blended = self.blend(candidate)
        classes = self.classes or ()
        per_class = reference.dice(blended.labels, classes)
        cost = self.predict(candidate)
        whole = self.plan(candidate, whole=True)
        return Point(
            candidate=candidate,
            patch_size=whole.patch_size,
            dice=mean_of(per_class) or 0.0,
            dice_per_class=per_class,
            surface_dice=reference.surface(blended.labels, classes),
            seam_energy=seam_energy(blended.seam, blended.patches),
            patches=whole.n_patches,
            seconds=cost.seconds,
            stages=cost.stages,
            is_proxy=reference.is_proxy,
        )

    def predict(self, candidate: Candidate) -> Prediction:
        """Return the time that a run over the whole volume would take.

        Raises
        ------
        SettingsError
            No patch of this size was evaluated yet.
        """
        job = self.job(candidate, whole=True)
        evaluation = self._evaluations.get(job.plan.patch_size)
        if evaluation is None or evaluation.classes is None:
            raise SettingsError("The time of a setting is known when patches of its size were evaluated; do so first.")
        return predict(job, evaluation.times(job, self._seconds_before or 0.0))

    def performance(self, candidate: Candidate, measure: str = "error_rate") -> PatchPerformance:
        """Return the error by the coordinate in the patch, from the patches of a setting that were evaluated.

        Without a truth the error is disagreement with the consensus of the densest overlap, a proxy: see `has_truth`.

        Parameters
        ----------
        candidate : Candidate
            The setting; its window does not matter.
        measure : str
            See `PatchPerformance`.

        Raises
        ------
        SettingsError
            Nothing that can be measured was evaluated, or there is no such measure.
        """
        reference = self._reference_for(None, None)
        return performance_by_coordinate(self.plan(candidate), self.region, self.predictions, reference.labels, measure)

    def performance_window(
        self, candidate: Candidate, measure: str = "error_rate", fit: InverseError | None = None
    ) -> Window:
        """Return the blending window that follows from the error by the coordinate in the patch.

        Scored on the region that it was measured on, a window made of few patches looks better than it is: measure it
        on one region and score it on another.

        Parameters
        ----------
        candidate, measure
            As in `performance`.
        fit : InverseError or None
            How weights follow from errors.

        Raises
        ------
        SettingsError
            As in `performance`.
        """
        return window_by_coordinate(self.performance(candidate, measure), len(self.region.shape), fit)

    def curve(
        self,
        candidates: Iterable[Candidate] | None = None,
        on_point: Callable[[Point], None] | None = None,
        control: Control | None = None,
        *,
        on_progress: OnEvent | None = None,
    ) -> tuple[Point, ...]:
        """Score several settings, those with the most patches first: the others need hardly any pass of their own.

        Parameters
        ----------
        candidates : iterable of Candidate or None
            None takes overlaps of 0, 0.25, 0.5 and the densest with every window, on one lattice.
        on_point : callable or None
            Gets each point as it is known.
        control, on_progress
            As in `evaluate`; a control also acts between two points.

        Returns
        -------
        tuple of Point
            In the order of the candidates.
        """
        chosen = list(self.candidates() if candidates is None else candidates)
        order = sorted(range(len(chosen)), key=lambda i: -self.plan(chosen[i]).n_patches)
        if chosen and not self.has_truth:
            self._consent(chosen[order[0]])
        points: dict[int, Point] = {}
        for i in order:
            if control is not None:
                control.checkpoint()
            points[i] = self.score(chosen[i], on_progress=on_progress, control=control)
            if on_point is not None:
                on_point(points[i])
        return tuple(points[i] for i in range(len(chosen)))

    def candidates(self, windows: tuple[Window | WindowKind, ...] = WINDOWS) -> tuple[Candidate, ...]:
        """Return the default curve: overlaps up to the densest with each of the windows, patches on one lattice."""
        densest = self.consensus.overlap
        overlaps = sorted(
            {*(o for o in (0.0, 0.25, 0.5, 0.75) if densest == o or o < _largest(densest)), densest}, key=_largest
        )
        return tuple(lattice_candidates(self.plan_size(), overlaps=tuple(overlaps), windows=windows))

    def close(self) -> None:
        """Drop the predictions and remove what lies on disk."""
        self.predictions.close()

    @property
    def _outputs(self) -> int | None:
        known = (evaluation.classes for evaluation in self._evaluations.values())
        return next((classes for classes in known if classes is not None), None)

    def _prepared(self, candidate: Candidate, whole: bool) -> Job:
        own = {} if whole else {"region": self.region}
        settings = candidate.settings(self.settings, activation=None, write="labels", **own)
        return prepare(self.volume, self.model, settings, window=candidate.shape)

    def _missing(self, plan: Plan) -> list[tuple[int, ...]]:
        indices = itertools.product(*plan.touching(self.region))
        return [index for index in indices if plan.patch_box(index) not in self.predictions]

    def _evaluation(self, job: Job, tell: OnEvent) -> Evaluation:
        size = job.plan.patch_size
        if size not in self._evaluations:
            self._evaluations[size] = Evaluation(job, self._statistics, tell)
        return self._evaluations[size]

    def _measure(self, tell: OnEvent, control: Control) -> None:
        """Measure the intensities of the whole volume, once."""
        normalization = self.model.spec.normalization
        if self._seconds_before is not None:
            return

        def on_block(done: int, total: int) -> None:
            control.checkpoint()
            tell(Measuring(done=done, total=total))

        begin = time.perf_counter()
        if normalization.kind != "none":
            self._statistics = volume_statistics(
                self.volume, normalization, channel=self.settings.channel, on_block=on_block
            )
        self._seconds_before = time.perf_counter() - begin

    def _teller(self, on_event: OnEvent) -> OnEvent:
        def tell(event: Any) -> None:
            if isinstance(event, Warned) and event.text not in self.warnings:
                self.warnings += (event.text,)
            on_event(event)

        return tell

    def _truth(self, truth: Any) -> Reference:
        labels = open_volume(truth, missing_chunks="fill")
        check_truth(self.volume, labels)
        outputs = self.model.spec.out_channels
        reference = Reference(
            labels=read_truth(labels, self.region),
            is_proxy=False,
            spacing=self.volume.spacing,
            tolerance=self._tolerance,
        )
        if outputs is not None:
            check_labels(reference.labels, class_names(self.model.spec, outputs, labels=True))
        return reference

    def _check_classes(self) -> None:
        if self._reference is not None and not self._reference.is_proxy:
            check_labels(self._reference.labels, self.classes or ())

    def _consent(self, candidate: Candidate) -> None:
        """Compare with this setting from now on."""
        chosen = replace(candidate, window="gaussian")
        if chosen != self.consensus:
            self.consensus, self._reference = chosen, None

    def _reference_for(self, on_progress: OnEvent | None, control: Control | None) -> Reference:
        if self._reference is None:
            self.evaluate(self.consensus, on_progress=on_progress, control=control)
            labels = self.blend(self.consensus, seam=False).labels
            check_foreground(labels, self.region)
            self._reference = Reference(
                labels=labels, is_proxy=True, spacing=self.volume.spacing, tolerance=self._tolerance
            )
        return self._reference


def _largest(overlap: float | tuple[float, ...]) -> float:
    return max(overlap) if isinstance(overlap, tuple) else overlap
