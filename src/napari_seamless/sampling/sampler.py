"""Patches out of an image, one at a time."""

from __future__ import annotations

import math
from operator import index as as_index
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.sampling.geometry import Geometry, sizes_of
from napari_seamless.sampling.modes import SamplingMode
from napari_seamless.sampling.order import ByChunk, Order, Raster
from napari_seamless.sampling.padded import padding_from, read_part
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BBox = np.ndarray[Any, np.dtype[np.int64]]


class GridSampler:
    """Cut an image of any size into patches on a grid.

    Every patch is computed from its place in the sequence when it is asked for: planning takes time and memory in
    proportion to the sum of the patches along each axis, however many patches there are.

    Parameters
    ----------
    image : array or None
        NumPy, torch, zarr, dask or anything else with a shape that slices; None yields boxes without patches.
    spatial_size : sequence of int
        Voxels of the image per spatial axis; one to five axes, or more.
    patch_size, step_size : sequence of int
        Voxels of a patch, and between the origins of patches (the patch size where None).
    chunk_size : sequence of int or None
        Voxels that an `Aggregator` finishes at once; patches then come chunk by chunk. Larger than the patch and not
        larger than the image along every axis.
    spatial_first : bool
        Whether the spatial axes are the first ones of the image (channels last), or the last ones (channels first).
    mode : SamplingMode
        What happens where the patches do not fit the image.
    pad_kwargs : mapping or None
        With the modes that pad: the keywords of `numpy.pad`. Only what lies beyond the image under one patch is made.

    Raises
    ------
    GeometryError
        The sizes do not fit each other or the image; it is a RuntimeError and a ValueError.

    Examples
    --------
    >>> sampler = GridSampler(np.zeros((10, 6)), (10, 6), patch_size=(4, 6))
    >>> len(sampler)
    3
    >>> patch, bbox = sampler[1]
    >>> patch.shape, bbox.tolist()
    ((4, 6), [[3, 7], [0, 6]])
    """

    def __init__(  # noqa: PLR0913, PLR0917  the arguments of Patchly's class, by name and by place
        self,
        image: Any,
        spatial_size: Any,
        patch_size: Any,
        step_size: Any = None,
        chunk_size: Any = None,
        spatial_first: bool = True,
        mode: SamplingMode = SamplingMode.SAMPLE_SQUEEZE,
        pad_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        spatial = sizes_of("spatial_size", spatial_size)
        self._geometry = Geometry(
            spatial=spatial,
            patch=sizes_of("patch_size", patch_size, spatial),
            step=sizes_of("step_size", patch_size if step_size is None else step_size, spatial),
            chunk=None if chunk_size is None else sizes_of("chunk_size", chunk_size, spatial),
            mode=mode,
        )
        self._image = image
        self._spatial_first = bool(spatial_first)
        _check_image(image, spatial, spatial_first=self._spatial_first)
        self._grids = self._geometry.grids
        self._padding = padding_from(pad_kwargs, self._grids) if mode.pads else None
        shape = tuple(len(grid) for grid in self._grids)
        self._length = math.prod(shape)
        chunk = self._geometry.chunk
        self._order: Order = Raster(shape) if chunk is None else ByChunk(self._grids, chunk)

    @property
    def geometry(self) -> Geometry:
        """Sizes and mode."""
        return self._geometry

    @property
    def image(self) -> Any:
        """What patches are cut from."""
        return self._image

    @property
    def spatial_first(self) -> bool:
        """Whether the spatial axes are the first ones of the image."""
        return self._spatial_first

    @property
    def mode(self) -> SamplingMode:
        """What happens where the patches do not fit the image."""
        return self._geometry.mode

    def __len__(self) -> int:
        """Return the number of patches."""
        return self._length

    def __iter__(self) -> Iterator[Any]:
        """Yield (patch, box) one after another; boxes alone where there is no image."""
        for i in range(self._length):
            yield self[i]

    def __getitem__(self, idx: int) -> Any:
        """Return (patch, box) of one place in the sequence; the box alone where there is no image.

        Returns
        -------
        patch : numpy.ndarray or torch.Tensor
            A tensor of a tensor, NumPy of everything else; a view where the image lies in memory.
        bbox : numpy.ndarray
            (axis, 2) int64: first voxel, and the voxel after the last one.
        """
        bbox = self.get_bbox(idx)
        if self._image is None:
            return bbox
        box = Box(tuple(bbox[:, 0].tolist()), tuple(bbox[:, 1].tolist()))
        return read_part(self._image, box, self._padding, spatial_first=self._spatial_first), bbox

    def get_bbox(self, idx: int) -> BBox:
        """Return the box of one place in the sequence, (axis, 2) int64.

        Raises
        ------
        IndexError
            There are not so many patches.
        """
        place = as_index(idx)
        if not -self._length <= place < self._length:
            raise IndexError(f"the sampler has {self._length} patches, got the index {place}")
        index = self._order[place % self._length]
        return np.array([grid.interval(i) for grid, i in zip(self._grids, index, strict=True)], dtype=np.int64)


def _check_image(image: Any, spatial: tuple[int, ...], *, spatial_first: bool) -> None:
    if image is None:
        return
    if not hasattr(image, "__getitem__") or not hasattr(image, "shape"):
        raise GeometryError(
            f"image must be an array with a shape, or None for boxes alone, got {type(image).__name__}."
        )
    size = tuple(image.shape[: len(spatial)] if spatial_first else image.shape[-len(spatial) :])
    if size != spatial:
        which = "first" if spatial_first else "last"
        raise GeometryError(
            f"spatial_size is {spatial}, but the {which} axes of the image have {size} voxels; give the image's own "
            f"size, or spatial_first={not spatial_first}."
        )
