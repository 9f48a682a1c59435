"""The corridor: the only room that knows the order of the others."""

from napari_seamless.engine.call import segment
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import ChunkWritten, Event, Finished, Measuring, Progress, Started, Warned
from napari_seamless.engine.job import Job
from napari_seamless.engine.preparation import plan_for, prepare
from napari_seamless.engine.result import Estimate, Segmentation

__all__ = [
    "ChunkWritten",
    "Control",
    "Estimate",
    "Event",
    "Finished",
    "Job",
    "Measuring",
    "Progress",
    "Segmentation",
    "Started",
    "Warned",
    "plan_for",
    "prepare",
    "segment",
]
