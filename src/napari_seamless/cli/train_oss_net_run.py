"""Trainings of occupancy networks, from the words of a command line to network files and a table."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.cli.train_oss_net_report import as_table, as_values, summary
from napari_seamless.cli.train_run import TrainingReporter
from napari_seamless.engine import Control
from napari_seamless.errors import OutOfMemoryError, RunCancelledError
from napari_seamless.training.oss_net import OccupancyData, TensorBoardLog, make_occupancy_settings, train_occupancy
from napari_seamless.training.oss_net.costs import PeakMemory, seconds_to_segment
from napari_seamless.training.oss_net.settings import RESIDUAL_UNET
from napari_seamless.training.preparation import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_seamless.training.events import TrainingEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancyRequest:
    """What was asked for on the command line.

    Parameters
    ----------
    output : str
        Path of the network file; of several networks each has its setting in its name.
    names : tuple of str
        Settings that are trained in turn.
    pairs, validation : tuple of (str, str)
        Paths of images and labels.
    borders : tuple of str
        Border maps, or none.
    settings : mapping
        Other fields of `OccupancyTrainingSettings`.
    weights, log : str or None
        Weights to begin with, folder of a TensorBoard log.
    overwrite, resume : bool
        What to do with what is there.
    """

    output: str
    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    validation: tuple[tuple[str, str], ...] = ()
    borders: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    log: str | None = None
    overwrite: bool = False
    resume: bool = False


def run_all(request: OccupancyRequest, *, as_json: bool, quiet: bool) -> str:
    """Train every network that was asked for, and return what the command prints.

    Raises
    ------
    SeamlessError
        Anything that a person can mend.
    Stopped
        A signal stopped it.
    """
    for name in request.names:  # a wrong word is told before hours are spent
        make_occupancy_settings(**{**request.settings, "setting": name})
    if len(request.names) == 1:
        found = run_one(request, quiet=quiet or as_json)
        return json.dumps(found) if as_json else summary(found)
    rows = [_in_a_process(_alone(request, name), quiet=quiet or as_json) for name in request.names]
    return json.dumps(rows) if as_json else as_table(rows)


def run_one(request: OccupancyRequest, *, quiet: bool) -> dict[str, Any]:
    """Train one network and return what there is to say of it, as plain values."""
    settings = make_occupancy_settings(**{**request.settings, "setting": request.names[0]})
    data = OccupancyData(
        pairs=request.pairs, validation=request.validation, borders=request.borders, weights=request.weights
    )
    log = None if request.log is None else TensorBoardLog(request.log)
    control, reporter = Control(), TrainingReporter(settings.epochs, quiet=quiet)

    def listen(event: TrainingEvent) -> None:
        reporter(event)
        if log is not None:
            log(event)

    with cancel_on_signals(control) as interruption:
        try:
            with PeakMemory() as memory:
                trained = train_occupancy(
                    data,
                    request.output,
                    settings,
                    overwrite=request.overwrite,
                    resume=request.resume,
                    on_event=listen,
                    control=control,
                )
        except RunCancelledError:
            raise Stopped(_where_it_stopped(request), interruption.exit_code) from None
        finally:
            reporter.close()
            if log is not None:
                log.close()
    return as_values(trained, memory.bytes, seconds_to_segment(trained.trainee, trained.example))


def _in_a_process(request: OccupancyRequest, *, quiet: bool) -> dict[str, Any]:
    """Train in a process of its own, so that what one network leaves in memory is not counted for the next."""
    with _interrupts_left_to_others(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(run_one, request, quiet=quiet).result()
        except BrokenProcessPool:
            raise OutOfMemoryError(
                f"The training of {request.names[0]} was ended from outside, most likely for want of memory; choose "
                "smaller crops or fewer coordinates."
            ) from None


@contextmanager
def _interrupts_left_to_others() -> Iterator[None]:
    """Let the process that trains decide what Ctrl-C means: a terminal sends it to all processes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _alone(request: OccupancyRequest, name: str) -> OccupancyRequest:
    path = Path(request.output)
    suffix = ".pt" if name == RESIDUAL_UNET else ".safetensors"
    log = None if request.log is None else str(Path(request.log) / name)
    return replace(request, names=(name,), output=str(path.with_name(f"{path.stem}.{name}{suffix}")), log=log)


def _where_it_stopped(request: OccupancyRequest) -> str:
    place = Place(output=Path(request.output))
    if not place.checkpoint.exists():
        return "Stopped before the first epoch was complete; there is no checkpoint yet."
    kept = f"The best network so far is in {request.output}. " if place.output.exists() else ""
    return f"Stopped. {kept}The same command with --resume goes on from the last checkpoint."
