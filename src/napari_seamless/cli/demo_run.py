"""The demo without a window: brain in, labels, picture and summary out."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.ome_zarr_copy import save_volume
from napari_seamless.cli.options import flag_of
from napari_seamless.cli.picture import Panels, save_picture
from napari_seamless.cli.progress import TerminalReporter
from napari_seamless.cli.report import as_json, dice_line, summary
from napari_seamless.cli.run import Outcome, Request, run
from napari_seamless.cli.wording import duration, times
from napari_seamless.errors import OutputExistsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_seamless.types import Volume

_MARKER = ".napari-seamless-demo"
_FOLDERS = ("brain.ome.zarr", "reference.ome.zarr", "labels.ome.zarr")
_FILES = ("slices.png", "summary.json")
_COMPARED = 64
_WITHOUT = f"{_COMPARED}-voxel patches, no overlap"

# Orange and blue stay apart for every kind of colour vision.
_PALETTE = ((0, 0, 0, 0), (86, 180, 233, 255), (230, 159, 0, 255), (0, 158, 115, 255), (204, 121, 167, 255))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRequest:
    """What was asked of the demo.

    Parameters
    ----------
    folder : pathlib.Path
        Where the results go; what an earlier demo left there is replaced, nothing else is touched.
    settings : mapping
        Fields of `RunSettings`; None where not given.
    compare : bool
        Also run 64-voxel patches without overlap.
    quiet : bool
        Show no progress bar.
    """

    folder: Path
    settings: Mapping[str, Any]
    compare: bool = True
    quiet: bool = False


def run_headless(demo: DemoRequest) -> tuple[dict[str, Any], str]:
    """Segment the brain and leave everything in one folder.

    Parameters
    ----------
    demo : DemoRequest
        What to run.

    Returns
    -------
    report : dict
        What ``summary.json`` holds.
    text : str
        The same for people.

    Raises
    ------
    SeamlessError
        The samples are not installed, the folder is not one that the demo made, or anything that stops a run.
    Stopped
        The run was cancelled by a signal.
    """
    from napari_seamless.samples import brain

    image, reference = brain()
    prepare_folder(demo.folder)
    save_volume(image, demo.folder / "brain.ome.zarr")
    save_volume(reference, demo.folder / "reference.ome.zarr")
    request = Request(
        source=str(demo.folder / "brain.ome.zarr"),
        output=str(demo.folder / "labels.ome.zarr"),
        model="demo",
        settings=demo.settings,
        truth=str(demo.folder / "reference.ome.zarr"),
    )
    outcome = _run(request, demo, "brain")
    compare = demo.compare and outcome.job.plan.step != (_COMPARED,) * 3
    without = _run(_without_overlap(request), demo, "without overlap") if compare else None
    picture = demo.folder / "slices.png"
    save_picture(_panels(image, reference, outcome, without), picture)
    report = _report(request, outcome, without, picture)
    (demo.folder / "summary.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report, _text(report, outcome, without)


def _run(request: Request, demo: DemoRequest, title: str) -> Outcome:
    try:
        return run(request, TerminalReporter(quiet=demo.quiet, title=f"{title} "))
    except Stopped as stopped:
        # The demo begins anew each time: there is nothing that --resume could go on with.
        raise Stopped("The demo was stopped; what is finished is replaced next time.", stopped.exit_code) from None


def _without_overlap(request: Request) -> Request:
    """Return the run that a network with a large view suffers from most, kept in memory."""
    return replace(request, output=None, settings={**request.settings, "patch_size": _COMPARED, "overlap": 0.0})


def _report(request: Request, outcome: Outcome, without: Outcome | None, picture: Path) -> dict[str, Any]:
    report = as_json(outcome) | {"picture": str(picture), "command": command_line(request, outcome)}
    if without is not None:
        compared = as_json(without)
        report["without_overlap"] = {key: compared[key] for key in ("dice", "plan", "seconds", "patches")}
    return report


def _text(report: Mapping[str, Any], outcome: Outcome, without: Outcome | None) -> str:
    lines = [summary(outcome)]
    if without is not None:
        lines += ["", f"For comparison, {_WITHOUT}: dice {dice_line(without.dice or {})}"]
    return "\n".join([*lines, "", f"Picture of three slices: {report['picture']}", "", report["command"]])


def prepare_folder(folder: Path) -> None:
    """Make the folder, or empty it of what an earlier demo left.

    Parameters
    ----------
    folder : pathlib.Path
        The demo's folder.

    Raises
    ------
    OutputExistsError
        It holds something and was not made by the demo, or is a file.
    StorageError
        It cannot be written.
    """
    marker = folder / _MARKER
    if folder.exists() and not marker.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExistsError(
            f"The output folder {folder} holds something that the demo did not make; choose another --output."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
        for name in _FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=not (folder / name).exists())
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The output folder {folder} cannot be written ({error.strerror or error}); choose another --output."
        ) from error


def command_line(request: Request, outcome: Outcome) -> str:
    """Return the line that repeats a run in a shell, with the settings that were in force.

    Parameters
    ----------
    request, outcome : Request, Outcome
        What was asked for and what came of it.

    Returns
    -------
    str
        A ``napari-seamless segment`` line that replaces the output.
    """
    settings = outcome.job.settings
    always = ("patch_size", "overlap", "border", "window")
    defaults = type(settings)()
    words = ["napari-seamless", "segment", request.source, str(request.output), "--model", request.model]
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name in always or value != getattr(defaults, name):
            words += [flag_of(name), _word(value)]
    if request.truth is not None:
        words += ["--truth", request.truth]
    return shlex.join([*words, "--overwrite"])


def _word(value: Any) -> str:
    """Return a setting as the command line takes it; equal values of all axes as one."""
    values = value if isinstance(value, tuple) else (value,)
    return ",".join(map(str, values if len(set(values)) > 1 else values[:1]))


def _panels(image: Volume, reference: Volume, outcome: Outcome, without: Outcome | None) -> Panels:
    result, plan = outcome.result, outcome.job.plan
    shown = {"result": outcome} | ({_WITHOUT: without} if without is not None else {})
    caption = (
        f"result: {result.patches} patches of {times(plan.patch_size)}, {plan.evaluations_per_voxel:.1f} evaluations "
        f"per voxel, border {plan.border}, window {plan.window.kind}, {duration(result.timings['total'])}"
    )
    return Panels(
        image=image,
        columns={"reference": reference} | {title: each.result.volume for title, each in shown.items()},
        classes=result.classes,
        colors=outcome.job.model.spec.colors or _PALETTE[: len(result.classes)],
        notes={title: f"Dice {dice_line(each.dice or {})}" for title, each in shown.items()},
        caption=caption,
    )
