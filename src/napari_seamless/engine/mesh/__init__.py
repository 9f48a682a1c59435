"""Meshes of labels, probabilities and distance maps of any size, in bounded memory."""

from napari_seamless.engine.mesh.result import MeasuredSurface, MeshRow, WrittenMeshes
from napari_seamless.engine.mesh.settings import Kind, MeshSettings
from napari_seamless.engine.mesh.write import make_meshes, write_meshes

__all__ = ["Kind", "MeasuredSurface", "MeshRow", "MeshSettings", "WrittenMeshes", "make_meshes", "write_meshes"]
