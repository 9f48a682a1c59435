"""Signed distance maps: how far each voxel is from a class, and how deep inside it."""

from napari_seamless.distance.census import MOST_CLASSES, Census, count_labels
from napari_seamless.distance.chunk_files import ChunkFiles
from napari_seamless.distance.convention import Convention, Measure
from napari_seamless.distance.whole import signed_distances

__all__ = ["MOST_CLASSES", "Census", "ChunkFiles", "Convention", "Measure", "count_labels", "signed_distances"]
