"""One run, from the words of a command line to a result with its scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.errors import RunCancelledError, VolumeError
from napari_seamless.recipe import RunSettings, make_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.cli.progress import TerminalReporter
    from napari_seamless.engine import Job, Segmentation
    from napari_seamless.types import Model, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line.

    Parameters
    ----------
    source, model : str
        Paths, or ``"demo"`` for the bundled network.
    output : str or None
        Folder of the OME-Zarr output; None keeps the result in memory.
    settings : mapping
        Values for `RunSettings` by name; what is missing or None keeps its default.
    axes : str or None
        Names of the array axes where the format has none.
    truth : str or None
        Path of the reference labels.
    overwrite, resume : bool
        What to do with an output that is there.
    workers : int or None
        Run on this many local processes.
    scheduler : str or None
        Run on the cluster of this dask scheduler.
    """

    source: str
    output: str | None
    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: str | None = None
    truth: str | None = None
    overwrite: bool = False
    resume: bool = False
    workers: int | None = None
    scheduler: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished run.

    Parameters
    ----------
    job : Job
        The run as it was prepared.
    result : Segmentation
        What came of it.
    dice : dict of str to (float or None), or None
        Score by class name; None without a reference.
    """

    job: Job
    result: Segmentation
    dice: dict[str, float | None] | None


def run(request: Request, reporter: TerminalReporter) -> Outcome:
    """Prepare and run a segmentation; everything that can be refused is refused before anything is written.

    Parameters
    ----------
    request : Request
        What to run.
    reporter : TerminalReporter
        Shows the run while it goes on.

    Returns
    -------
    Outcome
        The result, and its scores where there is a reference.

    Raises
    ------
    SeamlessError
        Anything that a person can mend.
    Stopped
        The run was cancelled by a signal.
    """
    job, truth = _prepare(request)
    result = _run(job, reporter, request)
    return Outcome(job=job, result=result, dice=None if truth is None else _dice(result, truth, job.settings))


def _prepare(request: Request) -> tuple[Job, Volume | None]:
    from napari_seamless.engine import prepare
    from napari_seamless.models import load_model
    from napari_seamless.quality import check_truth
    from napari_seamless.volume import open_volume

    chosen = make_settings(**_given(request.settings))  # a wrong setting is the quickest thing to find
    volume = open_volume(
        request.source, axes=request.axes, missing_chunks=chosen.missing_chunks, damaged_chunks=chosen.damaged_chunks
    )
    # Labels are mostly background, whose chunks many writers leave out.
    truth = None if request.truth is None else open_volume(request.truth, missing_chunks="fill")
    if truth is not None:
        check_truth(volume, truth)
    model = load_model(request.model)
    settings = settings_for(model, request.settings)
    job = prepare(
        volume,
        model,
        settings,
        request.output,
        overwrite=request.overwrite,
        resume=request.resume,
        workers=request.workers,
        scheduler=request.scheduler,
    )
    return job, truth


def settings_for(model: Model, values: Mapping[str, Any]) -> RunSettings:
    """Return the settings of a run: the values given, then what the network was made for, then the defaults.

    Parameters
    ----------
    model : Model
        The network; its patch size is used where none is given.
    values : mapping
        Fields of `RunSettings`; None where not given.

    Returns
    -------
    RunSettings
        Checked settings.

    Raises
    ------
    SettingsError
        A value is out of its range.
    """
    own = {} if model.spec.patch_size is None else {"patch_size": model.spec.patch_size}
    return make_settings(**own | _given(values))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _run(job: Job, reporter: TerminalReporter, request: Request) -> Segmentation:
    from napari_seamless.engine import Control

    control = Control()
    with cancel_on_signals(control) as interruption, reporter:
        try:
            return job.run(reporter, control)
        except RunCancelledError:
            raise Stopped(_where_it_stopped(job, reporter, request), interruption.exit_code) from None


def _where_it_stopped(job: Job, reporter: TerminalReporter, request: Request) -> str:
    if not reporter.started or request.output is None:
        return "Stopped before anything was written."
    return (
        f"Stopped after {reporter.patches_done} of {job.plan.n_patches} patches; what is finished stays in "
        f"{request.output}, and the same command with --resume goes on from there."
    )


def _dice(result: Segmentation, truth: Volume, settings: RunSettings) -> dict[str, float | None]:
    from napari_seamless.cli.labels_view import LabelsView
    from napari_seamless.quality import dice_scores

    labels = result.volume if settings.write == "labels" else LabelsView(result.volume, settings)
    names = tuple(result.volume.label_names.values()) or result.classes
    classes = names if len(names) > 1 else ("background", *names)
    try:
        return dice_scores(labels, truth, classes)
    except VolumeError as error:
        raise VolumeError(f"{error} The result itself is complete in {result.path}.") from None
