"""Open any lazy array as a volume: metadata now, voxels when they are asked for."""

from napari_seamless.volume.open import open_volume
from napari_seamless.volume.select import at, with_missing_chunks

__all__ = ["at", "open_volume", "with_missing_chunks"]
