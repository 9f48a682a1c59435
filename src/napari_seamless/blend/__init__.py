"""From weighted patches to finished blocks, in bounded memory."""

from napari_seamless.blend.accumulators import ChunkAccumulators
from napari_seamless.blend.buffers import Buffers
from napari_seamless.blend.scratch import Scratch, remove_stale
from napari_seamless.blend.tiles import TiledSums
from napari_seamless.blend.weight_sums import WeightSums

__all__ = ["Buffers", "ChunkAccumulators", "Scratch", "TiledSums", "WeightSums", "remove_stale"]
