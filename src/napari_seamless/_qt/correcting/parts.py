"""What the controllers of the correcting dock share."""

from __future__ import annotations

from dataclasses import dataclass

from napari_seamless._qt.core import Core
from napari_seamless._qt.correcting.state import CorrectingState
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.worker import Worker


@dataclass(frozen=True, slots=True)
class CorrectingParts:
    """The choices of the input, the state of the correcting, the worker, and the functions of the core."""

    state: WindowState
    correcting: CorrectingState
    worker: Worker
    core: Core

    @property
    def plain(self) -> Parts:
        """What the controllers of the other docks take."""
        return Parts(self.state, self.worker, self.core)
