"""OSS-Net over volumes of any size, from coarse to fine, and the surface of its occupancy."""

from napari_seamless.engine.occupancy.events import OccupancyStarted, StageEnded
from napari_seamless.engine.occupancy.meshes import occupancy_meshes, write_occupancy_mesh
from napari_seamless.engine.occupancy.refinement import occupancy_refinement
from napari_seamless.engine.occupancy.result import OccupancySegmentation
from napari_seamless.engine.occupancy.segment import segment_occupancy
from napari_seamless.engine.occupancy.settings import OccupancySettings

__all__ = [
    "OccupancySegmentation",
    "OccupancySettings",
    "OccupancyStarted",
    "StageEnded",
    "occupancy_meshes",
    "occupancy_refinement",
    "segment_occupancy",
    "write_occupancy_mesh",
]
