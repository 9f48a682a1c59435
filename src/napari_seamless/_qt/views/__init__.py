"""Widgets that show and emit intentions; they know neither napari nor the core."""
