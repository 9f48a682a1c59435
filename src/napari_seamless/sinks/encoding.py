"""Chunks and shards as bytes of Zarr v3, as its own codecs would make them.

Zarr's arrays read the shard that they write into, and hand every chunk to an event loop and back, once for each level
of the pyramid. Chunks here are always whole, so neither is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np
from numcodecs.zstd import Zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LEVEL = 0
_NONE = 2**64 - 1

COMPRESSOR: Mapping[str, Any] = {"name": "zstd", "configuration": {"level": _LEVEL, "checksum": False}}
"""What arrays must be created with; the rest is Zarr's default: little-endian bytes, and a shard's index at its end."""


def encode(block: np.ndarray[Any, Any], shape: tuple[int, ...]) -> bytes:
    """Return the bytes of a chunk.

    Parameters
    ----------
    block : numpy.ndarray
        Voxels of the array's type.
    shape : tuple of int
        Voxels of the chunk; what the block lacks at the array's end is 0.

    Returns
    -------
    bytes
    """
    little = block.dtype.newbyteorder("<")
    if block.shape == shape:
        whole = np.ascontiguousarray(block, little)
    else:
        whole = np.zeros(shape, little)
        whole[tuple(map(slice, block.shape))] = block
    encoded: bytes = Zstd(level=_LEVEL, checksum=False).encode(whole)
    return encoded


def shard_parts(chunks: Iterable[bytes | None], sizes: Iterable[int | None]) -> Iterator[bytes]:
    """Yield the bytes of a shard piece by piece: its chunks, then its index.

    Parameters
    ----------
    chunks : iterable of bytes or None
        Bytes of every chunk of the shard in raster order; None where there is none. Taken one at a time.
    sizes : iterable of int or None
        Length of each.

    Yields
    ------
    bytes
    """
    yield from (chunk for chunk in chunks if chunk is not None)
    lengths = list(sizes)
    index = np.full((len(lengths), 2), _NONE, "<u8")
    start = 0
    for entry, length in zip(index, lengths, strict=True):
        if length is not None:
            entry[:] = start, length
            start += length
    table = index.tobytes()
    yield table + int(google_crc32c.value(table)).to_bytes(4, "little")
