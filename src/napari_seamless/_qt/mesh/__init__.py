"""A dock widget: surfaces of labels and fields, shown, measured and written to files."""

from napari_seamless._qt.mesh.dock import MeshDock

__all__ = ["MeshDock"]
