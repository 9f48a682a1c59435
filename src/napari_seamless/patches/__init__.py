"""Read one box of a volume as a network wants it: float32, channel first, normalised."""

from napari_seamless.patches.reader import PatchReader
from napari_seamless.patches.statistics import Statistics, volume_statistics

__all__ = ["PatchReader", "Statistics", "volume_statistics"]
