"""TIFF files through the zarr interface of tifffile: plain, OME and ImageJ, with pyramids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.volume.found import Found, MissingChunks


def find_tiff(path: Path, missing_chunks: MissingChunks) -> Found:
    raise NotImplementedError
