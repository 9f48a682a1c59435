"""A third dock widget: paint what a network gets wrong, and refine it on that."""

from napari_seamless._qt.correcting.dock import CorrectDock

__all__ = ["CorrectDock"]
