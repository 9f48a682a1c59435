"""A region compared, from the words of a command line to a curve and its advice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.measured_window import check_choices, measure_window
from napari_seamless.cli.progress import PATCHES, TerminalReporter
from napari_seamless.cli.run import settings_for
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import Event, Progress
from napari_seamless.engine.tuning import (
    OVERLAPS,
    WINDOWS,
    Advice,
    Candidate,
    Point,
    Tuner,
    advise,
    default_region,
    lattice_candidates,
)
from napari_seamless.errors import RunCancelledError
from napari_seamless.models import load_model
from napari_seamless.quality import check_truth
from napari_seamless.types import Box, Window
from napari_seamless.volume import open_volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_seamless.cli.measured_window import MeasuredWindow
    from napari_seamless.quality import PatchPerformance
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import BorderMode, Volume, WindowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What is compared; empty where the default is.

    Parameters
    ----------
    patches, overlaps : tuple
        A number, or one for each axis, for each choice.
    borders, windows : tuple of str
        Border modes and kinds of windows.
    """

    patches: tuple[Any, ...] = ()
    overlaps: tuple[Any, ...] = ()
    borders: tuple[BorderMode, ...] = ()
    windows: tuple[WindowKind, ...] = ()

    def candidates(self, settings: RunSettings) -> Iterator[Candidate]:
        """Yield every combination."""
        kinds = self.windows or WINDOWS
        windows = tuple(Window(kind=kind, sigma=settings.window_sigma) for kind in kinds)
        for patch in self.patches or (settings.patch_size,):
            yield from lattice_candidates(
                (patch,) if isinstance(patch, int) else patch,
                overlaps=self.overlaps or OVERLAPS,
                borders=self.borders or ("edge",),
                windows=windows,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRequest:
    """What was asked for on the command line.

    Parameters
    ----------
    source, model : str
        Paths, or ``"demo"`` for the bundled network.
    truth : str or None
        Path of the reference labels.
    region : str or None
        See `parse_region`; None chooses one.
    choices : Choices
        What is compared.
    tolerance : float
        Part of the best Dice that may be given up.
    surface_tolerance : float or None
        Distance in the units of the volume.
    cache_bytes : int or None
        Memory for predictions.
    axes : str or None
        Names of the array axes where the format has none.
    settings : mapping
        Values for `RunSettings` by name; None where not given.
    with_performance : bool
        Whether the error by patch coordinate is wanted.
    window_file : str or None
        Where a window made of the errors will be written; None makes none.
    """

    source: str
    model: str
    truth: str | None = None
    region: str | None = None
    choices: Choices = field(default_factory=Choices)
    tolerance: float = 0.005
    surface_tolerance: float | None = None
    cache_bytes: int | None = None
    axes: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    with_performance: bool = False
    window_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOutcome:
    """A curve and what follows from it.

    Parameters
    ----------
    volume : str
        Name of the volume.
    region : Box
        Where settings were compared.
    points : tuple of Point
        The curve.
    advice : Advice
        What is recommended.
    settings : RunSettings
        Those of a run with the recommended setting.
    consensus : Candidate or None
        What stood for the truth; None where there was one.
    classes, warnings : tuple of str
        Names of the labels, and what a person should know.
    performance : PatchPerformance or None
        Error by patch coordinate of the recommended setting.
    measured : MeasuredWindow or None
        The window made of the errors, where it was asked for.
    """

    volume: str
    region: Box
    points: tuple[Point, ...]
    advice: Advice[Point]
    settings: RunSettings
    consensus: Candidate | None
    classes: tuple[str, ...]
    warnings: tuple[str, ...]
    performance: PatchPerformance | None
    measured: MeasuredWindow | None = None


class TuningReporter(TerminalReporter):
    """A bar for each pass over patches that are missing."""

    def __call__(self, event: Event) -> None:
        """Show one event; called from the threads of the engine."""
        if isinstance(event, Progress) and (not self.started or event.done <= self.patches_done):
            self.begin(event.total)
        super().__call__(event)

    def begin(self, total: int) -> None:
        """Open the bar of a pass."""
        self.started = True
        self._open_bar(total, PATCHES)


def tuned(request: TuningRequest, reporter: TuningReporter) -> TuningOutcome:
    """Compare settings; everything that can be refused is refused before the first patch.

    Raises
    ------
    SeamlessError
        Anything that a person can mend.
    Stopped
        It was cancelled by a signal.
    """
    model = load_model(request.model)
    settings = settings_for(model, request.settings)
    volume = open_volume(
        request.source,
        axes=request.axes,
        missing_chunks=settings.missing_chunks,
        damaged_chunks=settings.damaged_chunks,
    )
    truth = None if request.truth is None else open_volume(request.truth, missing_chunks="fill")
    if truth is not None:
        check_truth(volume, truth)
    candidates = tuple(request.choices.candidates(settings))
    if request.window_file is not None:
        check_choices(candidates)
    tuner = Tuner(
        volume,
        model,
        settings.model_copy(update={"patch_size": candidates[0].patch_size}),
        _region(request, volume, truth, candidates),
        truth=truth,
        cache_bytes=request.cache_bytes,
        tolerance=request.surface_tolerance,
    )
    control = Control()
    with tuner, cancel_on_signals(control) as interruption, reporter:
        for candidate in candidates:
            tuner.plan(candidate, whole=True)
        try:
            points = tuner.curve(candidates, control=control, on_progress=reporter)
            measured = None
            if request.window_file is not None:
                measured = measure_window(tuner, truth, points, control, reporter, cache_bytes=request.cache_bytes)
                more = tuner.curve(measured.candidates(candidates), control=control, on_progress=reporter)
                points = _side_by_side((*points, *more))
        except RunCancelledError:
            raise Stopped(
                "Stopped before the curve was complete; nothing was written.", interruption.exit_code
            ) from None
        for text in measured.cautions if measured else ():
            reporter.warn(text)
        return _outcome(request, tuner, points, measured)


def _side_by_side(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return points with those of equal border mode and overlap beside each other."""
    order = {key: i for i, key in enumerate(dict.fromkeys((point.border, point.overlap) for point in points))}
    return tuple(sorted(points, key=lambda point: order[point.border, point.overlap]))


def _outcome(
    request: TuningRequest, tuner: Tuner, points: tuple[Point, ...], measured: MeasuredWindow | None
) -> TuningOutcome:
    advice = advise(points, request.tolerance)
    chosen = advice.recommended.candidate
    window = {"window": request.window_file} if chosen.shape.is_given else {}
    return TuningOutcome(
        volume=tuner.volume.name,
        region=tuner.region,
        points=points,
        advice=advice,
        settings=chosen.settings(tuner.settings, **window),
        consensus=None if tuner.has_truth else tuner.consensus,
        classes=tuner.classes or (),
        warnings=(*tuner.warnings, *(measured.cautions if measured else ())),
        performance=tuner.performance(chosen) if request.with_performance else None,
        measured=measured,
    )


def _region(
    request: TuningRequest, volume: Volume, truth: Volume | None, candidates: tuple[Candidate, ...]
) -> Box | str:
    if request.region is not None:
        return request.region
    n = len(volume.spatial_axes)
    sizes = [c.patch_size * n if len(c.patch_size) == 1 else c.patch_size for c in candidates]
    return default_region(volume, truth, patch_size=tuple(map(max, *sizes)) if len(sizes) > 1 else sizes[0])
