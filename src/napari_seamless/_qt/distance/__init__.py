"""A dock widget: signed distance maps of labels, and the distance at the cursor."""

from napari_seamless._qt.distance.dock import DistanceDock

__all__ = ["DistanceDock"]
