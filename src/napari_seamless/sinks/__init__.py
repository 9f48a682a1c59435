"""Where finished chunks go."""

from napari_seamless.sinks.memory import MemorySink
from napari_seamless.sinks.ome_zarr import METADATA_KEY, OmeZarrSink, check_free, finished_chunks
from napari_seamless.sinks.sink import OutputSpec, Sink

__all__ = ["METADATA_KEY", "MemorySink", "OmeZarrSink", "OutputSpec", "Sink", "check_free", "finished_chunks"]
