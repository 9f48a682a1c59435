"""Signed distance maps of labels: in memory, or from store to store in bounded memory."""

from napari_seamless.engine.distance.call import signed_distance_map
from napari_seamless.engine.distance.settings import DistanceSettings
from napari_seamless.engine.distance.write import WrittenDistances, write_distance_map

__all__ = ["DistanceSettings", "WrittenDistances", "signed_distance_map", "write_distance_map"]
