"""Evaluate a region once, and blend it again for every setting."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_seamless.engine.classes import class_names
from napari_seamless.engine.tuning.by_coordinate import PerformanceByCoordinate, window_by_coordinate
from napari_seamless.engine.tuning.candidate import WINDOWS, Candidate, lattice_candidates
from napari_seamless.engine.tuning.point import Point
from napari_seamless.engine.tuning.predictions import default_cache_bytes
from napari_seamless.engine.tuning.reference import Reference, check_labels, consensus_on, mean_of, truth_on
from napari_seamless.engine.tuning.tuned_region import TunedRegion
from napari_seamless.quality import seam_energy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.events import OnEvent
    from napari_seamless.models import ModelSource
    from napari_seamless.quality import InverseError, PatchPerformance
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Box, Window, WindowKind


class Tuner(TunedRegion):
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
        super().__init__(volume, model, settings, region, default_cache_bytes() if cache_bytes is None else cache_bytes)
        self.consensus = Candidate(self.plan_size(), densest, "edge", "gaussian")
        """What settings are compared with where there is no truth."""
        self._tolerance = tolerance
        self._measured: PerformanceByCoordinate | None = None
        self._reference = None if truth is None else truth_on(self.region, self.volume, truth, tolerance)
        if self.model.spec.out_channels is not None:
            self._check_outputs(self.model.spec.out_channels)

    @property
    def has_truth(self) -> bool:
        """Whether settings are compared with reference labels, and not with a consensus."""
        return self._reference is not None and not self._reference.is_proxy

    @property
    def has_reference(self) -> bool:
        """Whether there is something to compare with: a truth, or a consensus whose patches were evaluated."""
        return self._reference is not None

    def plan_size(self) -> tuple[int, ...]:
        """Return the patch size of the settings, one value per spatial axis."""
        size = self.settings.patch_size
        n = len(self.volume.spatial_axes)
        sizes = (size,) * n if isinstance(size, int) else size
        return sizes * n if len(sizes) == 1 else sizes

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

    def performance(self, candidate: Candidate, measure: str = "error_rate") -> PatchPerformance:
        """Return the error by the coordinate in the patch, from the patches of a setting that were evaluated.

        Without a truth the error is disagreement with the consensus of the densest overlap, a proxy: see `has_truth`.
        While another thread evaluates, those patches count that are there; asked again, only new ones are looked at.
        Where there is no truth and no consensus yet (see `has_reference`), the consensus is evaluated first.

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
        known, plan, labels = self._measured, self.plan(candidate), reference.labels
        # another consensus starts anew, and so do other patches; the window does not matter
        if known is None or known.labels is not labels or (known.plan.grids, known.measure) != (plan.grids, measure):
            known = self._measured = PerformanceByCoordinate(plan, self.region, labels, measure)
        return known.of(self.predictions)

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
            self._agree_on(chosen)
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

    def _check_outputs(self, outputs: int) -> None:
        """Refuse a truth with labels that a network with so many channels does not know."""
        if self._reference is not None and not self._reference.is_proxy:
            check_labels(self._reference.labels, class_names(self.model.spec, outputs, labels=True))

    def _agree_on(self, candidates: list[Candidate]) -> None:
        """Compare with the densest of these from now on; of equally dense ones with the one of the largest patches."""
        densest = max(candidates, key=lambda c: (_largest(c.overlap), math.prod(self.plan(c).patch_size)))
        chosen = replace(densest, window="gaussian")
        if chosen != self.consensus:
            self.consensus, self._reference = chosen, None

    def _reference_for(self, on_progress: OnEvent | None, control: Control | None) -> Reference:
        if self._reference is None:
            self.evaluate(self.consensus, on_progress=on_progress, control=control)
            labels = self.blend(self.consensus, seam=False).labels
            self._reference = consensus_on(self.region, self.volume, labels, self._tolerance)
        return self._reference


def _largest(overlap: float | tuple[float, ...]) -> float:
    return max(overlap) if isinstance(overlap, tuple) else overlap
