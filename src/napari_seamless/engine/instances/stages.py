"""Several counts of steps told as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.engine.events import Event, OnEvent, Progress, Warned

if TYPE_CHECKING:
    from collections.abc import Callable


class Stages:
    """Tells the steps of stages that come after each other as those of one work.

    Parameters
    ----------
    on_event : callable
        Told of all.
    """

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._done = 0

    def stage(self, later: int, *, silent: bool = False) -> Callable[[Event], None]:
        """Return what is told of the next stage.

        Parameters
        ----------
        later : int
            Steps of the stages after it.
        silent : bool
            Keep its warnings back: they are about what the stage makes, which nobody sees.
        """
        before = self._done

        def tell(event: Event) -> None:
            if isinstance(event, Progress):
                self._done = before + event.done
                event = Progress(self._done, before + event.total + later, event.seconds)
            elif silent and isinstance(event, Warned):
                return
            self._on_event(event)

        return tell
