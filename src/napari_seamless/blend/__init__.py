"""From weighted patches to finished blocks, in bounded memory."""

from napari_seamless.blend.accumulators import ChunkAccumulators
from napari_seamless.blend.arithmetic import add_into, multiply_into
from napari_seamless.blend.scratch import Scratch, remove_stale
from napari_seamless.blend.weight_sums import WeightSums

__all__ = ["ChunkAccumulators", "Scratch", "WeightSums", "add_into", "multiply_into", "remove_stale"]
