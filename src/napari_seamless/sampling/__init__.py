"""For your own loop: patches out of an image, patches into an output."""

from napari_seamless.sampling.aggregator import Aggregator
from napari_seamless.sampling.modes import SamplingMode
from napari_seamless.sampling.sampler import GridSampler

__all__ = ["Aggregator", "GridSampler", "SamplingMode"]
