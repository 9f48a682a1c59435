"""A volume of any size that holds no voxels of its own: one brain, repeated along every axis."""

from __future__ import annotations

from typing import Any

import numpy as np

Pieces = list[tuple[slice, slice]]


class TiledBrain:
    """The MNI152 T1 template repeated to any shape; a part of it is copied when it is asked for.

    Parameters
    ----------
    shape : tuple of int
        Voxels along z, y and x.
    dtype : type
        What the voxels are read as; they are 0 to 255.
    """

    def __init__(self, shape: tuple[int, ...], dtype: type = np.uint8) -> None:
        from napari_seamless import samples

        self.shape, self.dtype, self.ndim = shape, np.dtype(dtype), len(shape)
        self._tile = np.asarray(samples.brain()[0].data).astype(self.dtype)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Read a box, given by slices of step 1."""
        keys = (*((key,) if isinstance(key, slice) else key), *(slice(None),) * self.ndim)[: self.ndim]
        bounds = [k.indices(n)[:2] for k, n in zip(keys, self.shape, strict=True)]
        block = np.empty([b - a for a, b in bounds], self.dtype)
        along_z, along_y, along_x = (_pieces(a, b, n) for (a, b), n in zip(bounds, self._tile.shape, strict=True))
        for z_in, z_out in along_z:
            for y_in, y_out in along_y:
                for x_in, x_out in along_x:
                    block[z_out, y_out, x_out] = self._tile[z_in, y_in, x_in]
        return block


def _pieces(start: int, stop: int, period: int) -> Pieces:
    """Cut an interval where the tile begins anew: (part of the tile, part of the block)."""
    pieces, at = [], start
    while at < stop:
        first = at % period
        length = min(period - first, stop - at)
        pieces.append((slice(first, first + length), slice(at - start, at - start + length)))
        at += length
    return pieces
