"""Open any lazy array as a volume: metadata now, voxels when they are asked for."""

from napari_seamless.volume.cached import cached, useful_cache_bytes
from napari_seamless.volume.faults import ChunkFaults
from napari_seamless.volume.open import open_volume
from napari_seamless.volume.region import parse_region
from napari_seamless.volume.select import at, with_chunk_policy

__all__ = ["ChunkFaults", "at", "cached", "open_volume", "parse_region", "useful_cache_bytes", "with_chunk_policy"]
