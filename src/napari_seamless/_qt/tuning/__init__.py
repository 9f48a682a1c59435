"""A second dock widget: which overlap, border mode and window are worth their time on a region."""

from napari_seamless._qt.tuning.dock import TuneDock

__all__ = ["TuneDock"]
