"""The events of a run on a terminal: a bar, and one line for each warning."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

import click

from napari_seamless.engine.events import Event, Measuring, Progress, Started, Warned

if TYPE_CHECKING:
    from types import TracebackType

PATCHES = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} patches, {elapsed} so far, {remaining} left{postfix}"
"""Text of a bar that counts patches."""
_MEASURING_FORMAT = "{desc}Measuring intensities {percentage:.0f}%|{bar}| {elapsed} so far, {remaining} left"


class TerminalReporter:
    """Listener for the events of one run; a context manager that takes the bar away at the end.

    Parameters
    ----------
    quiet : bool
        Show no bar. Without it there is one only where standard error is a terminal.
    title : str
        Short text before the bar.
    """

    def __init__(self, *, quiet: bool = False, title: str = "") -> None:
        self._show_bar = not quiet and sys.stderr.isatty()
        self._title = title
        self._bar: Any = None
        self._warned: set[str] = set()
        self.patches_done = 0
        self.started = False

    def __enter__(self) -> Self:
        """Return the listener."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: Event) -> None:
        """Show one event; called from the threads of the engine."""
        if isinstance(event, Measuring):
            self._measure(event)
        elif isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Progress):
            self._advance(event)
        elif isinstance(event, Warned):
            self.warn(event.text)

    def warn(self, text: str) -> None:
        """Write a warning as one line on standard error, above the bar, each text once."""
        line = f"Warning: {' '.join(text.split())}"
        if line in self._warned:
            return
        self._warned.add(line)
        if self._bar is None:
            click.echo(line, err=True)
        else:
            self._bar.write(line, file=sys.stderr)

    def _measure(self, event: Measuring) -> None:
        if self._bar is None:
            self._open_bar(event.total, _MEASURING_FORMAT)
        if self._bar is not None:
            self._bar.update(event.done - self._bar.n)

    def _start(self, event: Started) -> None:
        self.started = True
        self._open_bar(event.plan.n_patches, PATCHES)

    def _open_bar(self, total: int, text: str) -> None:
        """Replace the bar, where there is one, by a new one."""
        if self._bar is not None:
            self._bar.close()
        if self._show_bar:
            from tqdm import tqdm

            self._bar = tqdm(
                total=total, desc=self._title, bar_format=text, file=sys.stderr, dynamic_ncols=True, leave=False
            )

    def _advance(self, event: Progress) -> None:
        self.patches_done = event.done
        if self._bar is None:
            return
        busy = {stage: seconds for stage, seconds in event.seconds.items() if stage not in {"total", "wait"}}
        if sum(busy.values()) > 0:
            stage = max(busy, key=busy.__getitem__)
            self._bar.set_postfix_str(f"{stage} {busy[stage] / sum(busy.values()):.0%}", refresh=False)
        self._bar.update(event.done - self._bar.n)
