"""Whether a layer was edited since something was made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_EDITS = ("paint", "data", "labels_update")
"""Events that some kinds of layers have."""


class EditWatch:
    """Follows one layer at a time.

    Parameters
    ----------
    on_edit : callable
        Called at the first edit.
    """

    def __init__(self, on_edit: Callable[[], None]) -> None:
        self._on_edit = on_edit
        self._layer: Any = None
        self.edited = False

    def follow(self, layer: Any) -> None:
        """Hear of edits of a layer from now on; None lets go."""
        for name in _EDITS:
            if self._layer is not None and name in self._layer.events.emitters:
                self._layer.events[name].disconnect(self._hear)
            if layer is not None and name in layer.events.emitters:
                layer.events[name].connect(self._hear)
        self._layer, self.edited = layer, False

    def _hear(self, *_: object) -> None:
        if not self.edited:
            self.edited = True
            self._on_edit()
