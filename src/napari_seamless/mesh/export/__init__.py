"""Files of surfaces: one file for all of them, or a folder of meshes at several levels of detail."""

from napari_seamless.mesh.export.precomputed import PrecomputedWriter
from napari_seamless.mesh.export.write import SUFFIXES, write_surfaces

__all__ = ["SUFFIXES", "PrecomputedWriter", "write_surfaces"]
