"""What every controller of a window shares."""

from __future__ import annotations

from dataclasses import dataclass

from napari_seamless._qt.core import Core
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.worker import Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """The window's model, its worker, and the functions of the core."""

    state: WindowState
    worker: Worker
    core: Core
