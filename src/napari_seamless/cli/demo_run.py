"""The demo without a window: brain in, labels, picture and summary out."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.ome_zarr_copy import save_volume
from napari_seamless.cli.options import flag_of
from napari_seamless.cli.picture import Panels, save_picture
from napari_seamless.cli.report import as_json, dice_line, summary
from napari_seamless.cli.run import Outcome, Request, run
from napari_seamless.cli.wording import duration, times
from napari_seamless.errors import OutputExistsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_seamless.cli.progress import TerminalReporter
    from napari_seamless.types import Volume

_MARKER = ".napari-seamless-demo"
_FOLDERS = ("brain.ome.zarr", "reference.ome.zarr", "labels.ome.zarr")
_FILES = ("slices.png", "summary.json")

# Orange and blue stay apart for every kind of colour vision.
_PALETTE = ((0, 0, 0, 0), (86, 180, 233, 255), (230, 159, 0, 255), (0, 158, 115, 255), (204, 121, 167, 255))


def run_headless(folder: Path, settings: Mapping[str, Any], reporter: TerminalReporter) -> tuple[dict[str, Any], str]:
    """Segment the brain and leave everything in one folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where the results go; what an earlier demo left there is replaced, nothing else is touched.
    settings : mapping
        Fields of `RunSettings`; None where not given.
    reporter : TerminalReporter
        Shows the run while it goes on.

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
    prepare_folder(folder)
    save_volume(image, folder / "brain.ome.zarr")
    save_volume(reference, folder / "reference.ome.zarr")
    request = Request(
        source=str(folder / "brain.ome.zarr"),
        output=str(folder / "labels.ome.zarr"),
        model="demo",
        settings={**settings, "write": "labels"},
        truth=str(folder / "reference.ome.zarr"),
    )
    try:
        outcome = run(request, reporter)
    except Stopped as stopped:
        raise Stopped(f"{stopped.message.split(';')[0].rstrip('.')}.", stopped.exit_code) from None
    save_picture(_panels(image, reference, outcome), folder / "slices.png")
    command = command_line(request, outcome)
    report = as_json(outcome) | {"picture": str(folder / "slices.png"), "command": command}
    (folder / "summary.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return (
        report,
        f"{summary(outcome)}\n\nPicture of three slices: {folder / 'slices.png'}\nThe same run again:\n  {command}",
    )


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
    words = ["napari-seamless", "segment", request.source, request.output, "--model", request.model]
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name in always or value != getattr(defaults, name):
            words += [flag_of(name), ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    if request.truth is not None:
        words += ["--truth", request.truth]
    return shlex.join([*words, "--overwrite"])


def _panels(image: Volume, reference: Volume, outcome: Outcome) -> Panels:
    result, plan = outcome.result, outcome.job.plan
    colors = outcome.job.model.spec.colors or _PALETTE[: len(result.classes)]
    caption = (
        f"Dice {dice_line(outcome.dice or {})}  \N{MIDDLE DOT}  {result.patches} patches of {times(plan.patch_size)}  "
        f"\N{MIDDLE DOT}  {plan.border}, {plan.window.kind}  \N{MIDDLE DOT}  {duration(result.timings['total'])}"
    )
    return Panels(
        image=image,
        columns={"reference": reference, "result": result.volume},
        classes=result.classes,
        colors=colors,
        caption=caption,
    )
