"""The window: a dock widget that leads through Volume, Network, Tiling and Run."""

from napari_seamless._qt.dock import SegmentDock

__all__ = ["SegmentDock"]
