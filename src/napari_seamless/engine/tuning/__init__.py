"""Compare patch size, overlap, border mode and window on a region, and say which is worth its time."""

from napari_seamless.engine.tuning.blended import Blended
from napari_seamless.engine.tuning.candidate import OVERLAPS, WINDOWS, Candidate, lattice_candidates
from napari_seamless.engine.tuning.point import Point
from napari_seamless.engine.tuning.region import default_region
from napari_seamless.engine.tuning.stage_times import Prediction
from napari_seamless.engine.tuning.tuner import Tuner
from napari_seamless.quality import Advice, advise

__all__ = [
    "OVERLAPS",
    "WINDOWS",
    "Advice",
    "Blended",
    "Candidate",
    "Point",
    "Prediction",
    "Tuner",
    "advise",
    "default_region",
    "lattice_candidates",
]
