"""OSS-Net in the dock that segments: its settings, its run, and results side by side."""

from napari_seamless._qt.occupancy.mode import OccupancyMode

__all__ = ["OccupancyMode"]
