"""One training, from the words of a command line to a network file."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.cli.wording import duration
from napari_seamless.engine import Control
from napari_seamless.errors import RunCancelledError
from napari_seamless.training import EpochDone, Preparing, StepDone, Trained, make_training_settings, train
from napari_seamless.training.preparation import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.training.events import TrainingEvent


_SEVERAL = frozenset({"channels", "loss_classes"})
"""Settings that are always several numbers, also where one is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What was asked for on the command line.

    Parameters
    ----------
    output : str
        Path of the network file.
    pairs, validation : tuple of (str, str)
        Paths of images and labels.
    settings : mapping
        Fields of `TrainingSettings`; what is missing keeps its default.
    overwrite, resume : bool
        What to do with what is there.
    """

    output: str
    pairs: tuple[tuple[str, str], ...]
    validation: tuple[tuple[str, str], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    resume: bool = False


def run_training(request: TrainingRequest, *, quiet: bool) -> str:
    """Train, and return the sentence that ends the command.

    Raises
    ------
    SeamlessError
        Anything that a person can mend.
    Stopped
        A signal stopped it.
    """
    several = {
        name: (value,) for name, value in request.settings.items() if name in _SEVERAL and isinstance(value, int)
    }
    settings = make_training_settings(**{**request.settings, **several})
    control, reporter = Control(), TrainingReporter(settings.epochs, quiet=quiet)
    with cancel_on_signals(control) as interruption:
        try:
            trained = train(
                request.pairs,
                request.output,
                settings,
                validation=request.validation,
                overwrite=request.overwrite,
                resume=request.resume,
                on_event=reporter,
                control=control,
            )
        except RunCancelledError:
            raise Stopped(_where_it_stopped(request), interruption.exit_code) from None
        finally:
            reporter.close()
    return _summary(trained)


class TrainingReporter:
    """Shows a training on standard error: a bar where it is a terminal, and a line for each epoch.

    Parameters
    ----------
    epochs : int
        Epochs of the training.
    quiet : bool
        Show nothing.
    """

    def __init__(self, epochs: int, *, quiet: bool = False) -> None:
        self._epochs, self._quiet = epochs, quiet
        self._show_bar = not quiet and sys.stderr.isatty()
        self._bar: Any = None
        self._what = ""

    def __call__(self, event: TrainingEvent) -> None:
        """Show one event."""
        if isinstance(event, EpochDone):
            self.close()
            if not self._quiet:
                click.echo(epoch_line(event, self._epochs), err=True)
        elif isinstance(event, StepDone):
            self._advance(f"epoch {event.epoch + 1} of {self._epochs}", event.step + 1, event.steps)
        elif isinstance(event, Preparing):
            self._advance(event.what, event.done, event.total)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._what = None, ""

    def _advance(self, what: str, done: int, total: int) -> None:
        if not self._show_bar:
            return
        if what != self._what:
            from tqdm import tqdm

            self.close()
            self._bar = tqdm(total=total, desc=what, file=sys.stderr, dynamic_ncols=True, leave=False)
            self._what = what
        self._bar.update(done - self._bar.n)


def epoch_line(epoch: EpochDone, epochs: int) -> str:
    """Return what an epoch brought, on one line.

    Examples
    --------
    >>> done = EpochDone(
    ...     epoch=4,
    ...     loss=0.25,
    ...     region_weight=1.0,
    ...     boundary_weight=0.0,
    ...     learning_rate=0.001,
    ...     seconds=12.0,
    ...     dice={"vessel": 0.5},
    ...     is_best=True,
    ... )
    >>> epoch_line(done, 10)
    'epoch 5 of 10: loss 0.2500, 12.0 s, Dice vessel 0.5000, best so far'
    """
    parts = [f"loss {epoch.loss:.4f}", duration(epoch.seconds)]
    if epoch.dice is not None:
        scores = (f"{name} {'none' if score is None else f'{score:.4f}'}" for name, score in epoch.dice.items())
        parts.append(f"Dice {', '.join(scores)}")
    return f"epoch {epoch.epoch + 1} of {epochs}: {', '.join([*parts, *(['best so far'] if epoch.is_best else [])])}"


def _summary(trained: Trained) -> str:
    best = trained.best
    return (
        f"{trained.path} holds the network of epoch {best.epoch + 1} of {len(trained.epochs)}, with a mean Dice of "
        f"{best.mean_dice or 0.0:.4f} on the validation volumes."
    )


def _where_it_stopped(request: TrainingRequest) -> str:
    place = Place(output=Path(request.output))
    if not place.checkpoint.exists():
        return "Stopped before the first epoch was complete; there is no checkpoint yet."
    kept = f"The best network so far is in {request.output}. " if place.output.exists() else ""
    return f"Stopped. {kept}The same command with --resume goes on from the last checkpoint."
