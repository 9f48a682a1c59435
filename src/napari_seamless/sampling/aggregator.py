"""Patches into an output, weighted where they meet."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.sampling.arrays import Array, Backend, backend_for, is_tensor
from napari_seamless.sampling.by_chunk import ChunkedOutput
from napari_seamless.sampling.layout import Layout
from napari_seamless.sampling.weights import weights_of
from napari_seamless.sampling.whole import WholeOutput
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.sampling.sampler import GridSampler


class Aggregator:
    """Put patches together to the weighted mean at every voxel, or to the class with the largest one.

    With the `chunk_size` of the sampler, only the chunks in flight are held: each is divided, reduced, written and
    freed as soon as its last patch is in, by several threads at once. Without it, the sums of the whole output are in
    memory.

    Parameters
    ----------
    sampler : GridSampler
        Where the patches come from.
    output_size : sequence of int or None
        Shape of a new float32 output, of the library of the patches.
    output : array or None
        Where the result goes: NumPy, torch, zarr or dask. One of `output` and `output_size` is needed.
    weights : str, Window, array or callable
        ``"avg"``, ``"gaussian"``, ``"hann"``, ``"triangle"``; one weight for each voxel of a patch; or a function from
        the patch size to such weights.
    softmax_dim : int or None
        Class axis of the patches, whose largest index is the result. With chunks the output has no such axis.
    has_batch_dim : bool
        Whether patches come in batches, along their first axis; `spatial_first` must be False then.
    spatial_first : bool
        Whether the spatial axes are the first ones of patches and output, or the last ones.
    chunk_postprocess_func : callable or None
        From the means of a finished chunk to what is written in its place; called from several threads.
    device : str or torch.device
        Where tensors are summed if no output is given.

    Raises
    ------
    GeometryError
        The arguments do not fit each other; it is a RuntimeError and a ValueError.

    Examples
    --------
    >>> from napari_seamless import GridSampler
    >>> image = np.arange(12.0).reshape(4, 3)
    >>> sampler = GridSampler(image, (4, 3), patch_size=(2, 3), step_size=(1, 3))
    >>> aggregator = Aggregator(sampler, output_size=(4, 3), weights="gaussian")
    >>> for patch, bbox in sampler:
    ...     aggregator.append(2 * patch, bbox)
    >>> bool(np.allclose(aggregator.get_output(), 2 * image))
    True
    """

    def __init__(  # noqa: PLR0913, PLR0917  the arguments of Patchly's class, by name and by place
        self,
        sampler: GridSampler,
        output_size: Any = None,
        output: Any = None,
        weights: Any = "avg",
        softmax_dim: int | None = None,
        has_batch_dim: bool = False,
        spatial_first: bool = True,
        chunk_postprocess_func: Callable[[Array], Any] | None = None,
        device: Any = "cpu",
    ) -> None:
        self._geometry = sampler.geometry
        self._output = output
        self._shape = _output_shape(output, output_size)
        self._softmax_dim = softmax_dim
        self._has_batch_dim = has_batch_dim
        self._postprocess = chunk_postprocess_func
        self._device = device
        self._layout = Layout(len(self._geometry.spatial), spatial_first)
        self._check()
        self._weights_of = weights_of(weights, self._geometry.patch)
        self._weights: dict[tuple[int, ...], Array] = {}
        self._backend: Backend | None = None
        self._sums: WholeOutput | ChunkedOutput | None = None
        self._turn = threading.Lock()

    def append(self, patch: Any, patch_bbox: Any) -> None:
        """Add a patch, or a batch of them.

        Parameters
        ----------
        patch : array
            NumPy or torch; its spatial shape is that of the box, its other axes are the output's.
        patch_bbox : array-like of int
            (axis, 2) as the sampler yields it; (batch, axis, 2) for a batch.

        Raises
        ------
        GeometryError
            Patch and box do not fit each other; with chunks, also if a patch comes twice or from elsewhere.
        Exception
            What writing or post-processing an earlier chunk failed with.
        """
        boxes = np.asarray(patch_bbox)
        if boxes.ndim == 3 and self._has_batch_dim and len(boxes) == len(patch):
            for i, bbox in enumerate(boxes):
                self._append(patch[i], bbox)
        else:
            self._append(patch, boxes)

    def get_output(self, inplace: bool = False) -> Any:
        """Return what came together so far; with chunks, this ends the aggregation.

        Parameters
        ----------
        inplace : bool
            Divide in the output that was given, instead of in a new array. Chunks are in the output in any case.

        Returns
        -------
        array
            Voxels without a patch hold 0, or what the output held before where a whole chunk has no patch.

        Raises
        ------
        Exception
            What writing or post-processing a chunk failed with.
        """
        with self._turn:
            return self._start(np.empty(0)).result(inplace=inplace)

    def _append(self, patch: Any, bbox: np.ndarray[Any, Any]) -> None:
        box = self._box(patch, bbox)
        with self._turn:
            sums = self._start(patch)
            weights = self._window(box.shape)
            values = self._as_floats(patch)
            sums.add(values * self._layout.spread(weights, values.ndim), weights, box)

    def _box(self, patch: Any, bbox: np.ndarray[Any, Any]) -> Box:
        n = self._layout.n_spatial
        if bbox.shape != (n, 2) or bbox.dtype.kind not in "iu":
            batch = ", or (batch, axis, 2) with has_batch_dim" if not self._has_batch_dim else ""
            raise GeometryError(
                f"patch_bbox must be integers of shape ({n}, 2){batch}, got {bbox.dtype} of shape {bbox.shape}."
            )
        box = Box(tuple(bbox[:, 0].tolist()), tuple(bbox[:, 1].tolist()))
        if self._layout.spatial(patch.shape) != box.shape:
            raise GeometryError(
                f"The patch has the spatial shape {self._layout.spatial(patch.shape)}, but its box from {box.start} to "
                f"{box.stop} has {box.shape}; check spatial_first and has_batch_dim."
            )
        return box

    def _start(self, like: Any) -> WholeOutput | ChunkedOutput:
        """Return the sums; made with the first patch, whose library a new output takes."""
        if self._sums is not None:
            return self._sums
        self._backend = backend = backend_for(self._output, self._device, like)
        geometry, layout = self._geometry, self._layout
        if geometry.chunk is None:
            self._sums = WholeOutput(self._output, self._shape, layout, backend, self._softmax_dim)
        else:
            output = backend.zeros(self._shape) if self._output is None else self._output
            finish = _Finish(backend, self._softmax_dim, self._postprocess, output.dtype)
            self._sums = ChunkedOutput(output, geometry.grids, geometry.chunk, layout, backend, finish)
        return self._sums

    def _window(self, shape: tuple[int, ...]) -> Array:
        if shape not in self._weights:
            self._weights[shape] = self._as_floats(self._weights_of(shape).copy())
        return self._weights[shape]

    def _as_floats(self, values: Any) -> Array:
        if self._backend is None:
            raise GeometryError("No patch has come yet; append one first.")
        return self._backend.floats(values)

    def _check(self) -> None:
        spatial = self._geometry.spatial
        if self._layout.spatial(self._shape) != spatial:
            raise GeometryError(
                f"The output has the spatial shape {self._layout.spatial(self._shape)} where spatial_first is "
                f"{self._layout.spatial_first}, but the sampler's is {spatial}; give the same one."
            )
        if self._has_batch_dim and self._layout.spatial_first:
            raise GeometryError("has_batch_dim needs spatial_first=False, because the batch axis is the first one.")
        if self._postprocess is not None and (self._geometry.chunk is None or not callable(self._postprocess)):
            raise GeometryError(
                "chunk_postprocess_func must be a function, and the sampler needs a chunk_size to call it with chunks."
            )


class _Finish:
    """From the means of a chunk to what is written."""

    def __init__(
        self, backend: Backend, softmax_dim: int | None, postprocess: Callable[[Array], Any] | None, dtype: Any
    ) -> None:
        self._backend = backend
        self._softmax_dim = softmax_dim
        self._postprocess = postprocess
        self._dtype = dtype

    def __call__(self, means: Array) -> Any:
        """Return the block of the output."""
        if self._postprocess is not None:
            block = self._postprocess(means)
            fitting = is_tensor(block) == is_tensor(means)
            return self._backend.cast(block if fitting else self._backend.floats(block), self._dtype)
        if self._softmax_dim is not None:
            return self._backend.cast(means.argmax(self._softmax_dim), self._dtype)
        return self._backend.cast(means, self._dtype)


def _output_shape(output: Any, output_size: Any) -> tuple[int, ...]:
    size = None if output_size is None else tuple(int(n) for n in output_size)
    if output is None and size is None:
        raise GeometryError("Either output or output_size must be given, got neither.")
    if output is None:
        return size or ()
    if not hasattr(output, "__getitem__") or not hasattr(output, "shape"):
        raise GeometryError(f"output must be an array, got {type(output).__name__}; try output_size.")
    shape = tuple(int(n) for n in output.shape)
    if size is not None and size != shape:
        raise GeometryError(f"output_size {size} must be the shape of output, {shape}, where both are given; give one.")
    return shape
