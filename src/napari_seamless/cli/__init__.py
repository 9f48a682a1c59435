"""The command line: what the window does, for terminals, scripts and clusters."""

from napari_seamless.cli.program import main

__all__ = ["main"]
