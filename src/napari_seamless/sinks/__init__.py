"""Where finished chunks go."""

from napari_seamless.sinks.group import METADATA_KEY, check_free
from napari_seamless.sinks.lock import only_writer
from napari_seamless.sinks.memory import MemorySink
from napari_seamless.sinks.ome_zarr import OmeZarrSink, finished_chunks
from napari_seamless.sinks.sink import OutputSpec, Sink

__all__ = [
    "METADATA_KEY",
    "MemorySink",
    "OmeZarrSink",
    "OutputSpec",
    "Sink",
    "check_free",
    "finished_chunks",
    "only_writer",
]
