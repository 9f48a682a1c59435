"""Work on labels that counts its steps: a bar for it, and what a signal does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.progress import TerminalReporter
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import Event, Progress
from napari_seamless.errors import RunCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

Written = TypeVar("Written")


class StepsReporter(TerminalReporter):
    """A bar over the steps of the work, and one line for each warning.

    Parameters
    ----------
    work : str
        What is done, before the bar.
    quiet : bool
        No bar.
    """

    def __init__(self, work: str, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._format = f"{{desc}}{work} {{percentage:3.0f}}%|{{bar}}| {{elapsed}} so far, {{remaining}} left"

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if not isinstance(event, Progress):
            super().__call__(event)
            return
        if self._bar is None:
            self._open_bar(event.total, self._format)
        if self._bar is not None:
            self._bar.total = event.total
            self._bar.update(event.done - self._bar.n)


def with_steps(write: Callable[..., Written], *arguments: Any, reporter: StepsReporter, **named: Any) -> Written:
    """Call a function of the engine that writes, and show how it goes on.

    Parameters
    ----------
    write : callable
        Takes the arguments, and ``on_event`` and ``control``.
    *arguments, **named
        Its arguments.
    reporter : StepsReporter
        Gets the events.

    Raises
    ------
    Stopped
        A signal came; nothing is left.
    SeamlessError
        Anything that a person can mend.
    """
    control = Control()
    with cancel_on_signals(control) as interruption, reporter:
        try:
            return write(*arguments, on_event=reporter, control=control, **named)
        except RunCancelledError as error:
            raise Stopped(str(error), interruption.exit_code) from None
