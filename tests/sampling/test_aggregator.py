"""Patches into an output: Patchly's scenarios, with values from first principles and from Patchly where it is right.

First principles: patches that are parts of an image come together to the image whatever the weights, and patches of
known values to the weighted mean that is written down voxel by voxel in `expected_mean`. Patchly's own results are the
truth for its mean and for weights given as arrays; not for squeezed grids, whose positions differ, for sums of weights
in 8 bits, which overflow, for padding and gaussians on adaptive grids, which it refuses, for outputs of dask, and for
its gaussian elsewhere, whose shape and smallest weight differ.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import dask.array as da
import numpy as np
import patchly
import pytest
import torch
import zarr

from napari_seamless import Aggregator, GridSampler, SamplingMode
from napari_seamless.plan import window_array
from napari_seamless.types import Window

RNG = np.random.default_rng(5)
MODES = list(SamplingMode)
SQUEEZE = SamplingMode.SAMPLE_SQUEEZE

# name: (spatial size, patch size, step size, chunk size)
Sizes = tuple[int, ...]
GEOMETRIES: dict[str, tuple[Sizes, Sizes, Sizes | None, Sizes]] = {
    "1d": ((30,), (6,), None, (10,)),
    "1d, step, remainder": ((31,), (6,), (4,), (10,)),
    "2d": ((40, 40), (10, 10), None, (20, 20)),
    "2d, remainder": ((43, 47), (10, 10), None, (20, 20)),
    "2d, step": ((40, 40), (10, 10), (5, 5), (20, 20)),
    "2d, step, remainder": ((43, 47), (10, 10), (5, 5), (20, 20)),
    "2d, one voxel chunked": ((23, 19), (3, 4), (2, 3), (4, 5)),
    "3d": ((20, 20, 10), (10, 10, 5), None, (20, 20, 10)),
    "3d, remainder": ((23, 27, 11), (10, 10, 5), None, (12, 12, 11)),
    "3d, step, remainder": ((23, 27, 11), (10, 10, 5), (5, 5, 5), (12, 20, 6)),
    "4d, step, remainder": ((5, 9, 7, 6), (2, 4, 4, 4), (1, 3, 4, 2), (3, 5, 7, 5)),
    "5d": ((4, 16, 8, 8, 4), (2, 8, 4, 4, 2), None, (4, 16, 8, 8, 4)),
    "5d, step, remainder": ((5, 17, 9, 9, 5), (2, 8, 4, 4, 4), (2, 8, 2, 3, 2), (4, 16, 8, 8, 5)),
}


def covered(case: str, mode: SamplingMode) -> tuple[slice, ...]:
    """Return what the patches reach."""
    spatial, patch, step, _ = GEOMETRIES[case]
    if mode is not SamplingMode.SAMPLE_CROP:
        return tuple(slice(n) for n in spatial)
    return tuple(slice((n - p) // s * s + p) for n, p, s in zip(spatial, patch, step or patch, strict=True))


def expected_mean(
    bboxes: list[Any], values: list[float], weights: dict[Sizes, np.ndarray[Any, Any]], spatial: Sizes
) -> np.ndarray[Any, Any]:
    """Sum value times weight and weight for every box, voxel by voxel of a padded field, and divide."""
    margin = 32
    sums, total = (np.zeros([n + 2 * margin for n in spatial]) for _ in range(2))
    for bbox, value in zip(bboxes, values, strict=True):
        box = tuple(slice(a + margin, b + margin) for a, b in bbox)
        w = weights[tuple(b - a for a, b in bbox)]
        sums[box] += value * w
        total[box] += w
    inner = tuple(slice(margin, margin + n) for n in spatial)
    return np.divide(sums[inner], total[inner], out=np.zeros(spatial), where=total[inner] > 0)


@pytest.mark.parametrize("case", GEOMETRIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chunked", [False, True])
def test_parts_of_an_image_come_together_to_the_image(case: str, mode: SamplingMode, chunked: bool) -> None:
    spatial, patch, step, chunk = GEOMETRIES[case]
    image = RNG.random(spatial)
    sampler = GridSampler(image, spatial, patch, step, chunk if chunked else None, mode=mode)
    aggregator = Aggregator(sampler, output_size=spatial, weights="hann")
    for values, bbox in sampler:
        aggregator.append(values, bbox)
    output = aggregator.get_output()
    assert output.dtype == np.float32
    there = covered(case, mode)
    np.testing.assert_allclose(output[there], image[there], rtol=1e-5)
    assert np.count_nonzero(output) == output[there].size


@pytest.mark.parametrize("weights", ["avg", "constant", "gaussian", "hann", "triangle", "array", "callable", "window"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chunked", [False, True])
def test_where_patches_meet_the_weighted_mean_is_that_of_the_definition(
    weights: str, mode: SamplingMode, chunked: bool
) -> None:
    spatial, patch, step = (17, 14), (6, 5), (4, 3)
    given = RNG.random(patch) + 0.1
    argument: Any = {"array": given, "callable": lambda size: given[: size[0]], "window": Window.from_array(given)}.get(
        weights, weights
    )
    sampler = GridSampler(None, spatial, patch, step, (8, 7) if chunked else None, mode=mode)
    aggregator = Aggregator(sampler, output=np.zeros(spatial), weights=argument)
    bboxes, values = list(sampler), RNG.random(len(sampler)).tolist()
    shapes = {tuple((b[:, 1] - b[:, 0]).tolist()) for b in bboxes}
    if isinstance(argument, str):
        kind: Any = "constant" if argument == "avg" else argument
        windows = {shape: window_array(Window(kind=kind), shape) for shape in shapes}
    else:
        windows = {shape: given[: shape[0], : shape[1]] for shape in shapes}
    for bbox, value in zip(bboxes, values, strict=True):
        aggregator.append(np.full(bbox[:, 1] - bbox[:, 0], value), bbox)
    np.testing.assert_allclose(
        aggregator.get_output(), expected_mean(bboxes, values, windows, spatial), rtol=1e-5, atol=1e-12
    )


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # Patchly's, where no patch lies
@pytest.mark.parametrize("mode", ["SAMPLE_EDGE", "SAMPLE_CROP", "SAMPLE_ADAPTIVE"])
@pytest.mark.parametrize("chunk", [None, (8, 7)])
@pytest.mark.parametrize("weights", ["avg", "array"])
def test_results_are_patchlys_where_it_is_right(mode: str, chunk: Any, weights: str) -> None:
    """With fewer than 256 patches over a voxel, so that its 8-bit weights do not overflow."""
    spatial, patch, step = (17, 14), (6, 5), (4, 3)
    given = RNG.random(patch) + 0.1
    theirs = patchly.GridSampler(None, spatial, patch, step, chunk, mode=patchly.SamplingMode[mode])
    ours = GridSampler(None, spatial, patch, step, chunk, mode=SamplingMode[mode])
    wrapped = patchly.array_like.NumpyArray(given)
    aggregators = [
        (theirs, patchly.Aggregator(theirs, output=np.zeros(spatial), weights="avg" if weights == "avg" else wrapped)),
        (ours, Aggregator(ours, output=np.zeros(spatial), weights="avg" if weights == "avg" else given)),
    ]
    outputs = []
    for sampler, aggregator in aggregators:
        values = np.random.default_rng(0)
        for bbox in sampler:
            aggregator.append(values.random(tuple(bbox[:, 1] - bbox[:, 0])), bbox)
        outputs.append(aggregator.get_output())
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("chunk", [None, (20, 20)])
@pytest.mark.parametrize(
    ("others", "spatial_first"), [((3,), False), ((3,), True), ((4, 3), False), ((5, 4, 3), False), ((2, 3), True)]
)
def test_other_axes_come_along(others: Sizes, spatial_first: bool, chunk: Any) -> None:
    spatial = (43, 47)
    image = RNG.random((*spatial, *others) if spatial_first else (*others, *spatial)).astype(np.float32)
    sampler = GridSampler(image, spatial, (10, 10), (7, 9), chunk, spatial_first=spatial_first)
    aggregator = Aggregator(sampler, output=np.zeros_like(image), weights="gaussian", spatial_first=spatial_first)
    for patch, bbox in sampler:
        aggregator.append(patch, bbox)
    np.testing.assert_allclose(aggregator.get_output(), image, rtol=1e-5)


@pytest.mark.parametrize("chunk", [None, (20, 20)])
def test_batches_of_a_torch_loader_and_another_layout_of_the_sampler(chunk: Any) -> None:
    image = RNG.random((43, 47, 3)).astype(np.float32)
    sampler = GridSampler(image, (43, 47), (10, 10), (7, 9), chunk)
    loader = torch.utils.data.DataLoader(sampler, batch_size=4)
    aggregator = Aggregator(sampler, output_size=(3, 43, 47), spatial_first=False, has_batch_dim=True)
    for patch, bbox in loader:
        aggregator.append(patch.permute(0, 3, 1, 2).requires_grad_(), bbox)
    output = aggregator.get_output()
    assert isinstance(output, torch.Tensor)
    torch.testing.assert_close(output, torch.tensor(image).permute(2, 0, 1))


@pytest.mark.parametrize("kind", ["numpy", "torch", "zarr", "dask"])
def test_softmax_keeps_the_class_with_the_largest_mean(kind: str) -> None:
    """Chunked: the output has no class axis, and class probabilities never exist for the whole."""
    image = RNG.random((4, 43, 47)).astype(np.float32)
    labels = image.argmax(axis=0)
    patches = torch.tensor(image) if kind == "torch" else image
    whole = GridSampler(patches, (43, 47), (10, 10), (5, 5), spatial_first=False)
    aggregator = Aggregator(whole, output_size=image.shape, softmax_dim=0, spatial_first=False)
    for patch, bbox in whole:
        aggregator.append(patch, bbox)
    np.testing.assert_array_equal(np.asarray(aggregator.get_output()), labels)

    output = make_output(kind, (43, 47), "uint8")
    chunked = GridSampler(patches, (43, 47), (10, 10), (5, 5), (16, 16), spatial_first=False)
    aggregator = Aggregator(chunked, output=output, softmax_dim=0, weights="gaussian", spatial_first=False)
    for patch, bbox in chunked:
        aggregator.append(patch, bbox)
    result = aggregator.get_output()
    assert result is output
    np.testing.assert_array_equal(np.asarray(result), labels)


def make_output(kind: str, shape: Sizes, dtype: str, chunks: Sizes = (8, 8)) -> Any:
    """Return zeros of a library."""
    if kind == "torch":
        return torch.zeros(shape, dtype=getattr(torch, dtype))
    if kind == "zarr":
        return zarr.zeros(shape=shape, dtype=dtype, chunks=chunks)
    return da.zeros(shape, dtype=dtype, chunks=chunks) if kind == "dask" else np.zeros(shape, dtype)


@pytest.mark.parametrize("source", ["numpy", "torch"])
@pytest.mark.parametrize("kind", ["numpy", "torch", "zarr", "dask"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int16", "uint8"])
@pytest.mark.parametrize("chunk", [None, (16, 24)])
def test_any_output_of_any_type_takes_patches_of_any_library(source: str, kind: str, dtype: str, chunk: Any) -> None:
    values = RNG.integers(0, 256 if dtype == "uint8" else 1000, (33, 30)).astype("float32")
    sampler = GridSampler(torch.tensor(values) if source == "torch" else values, (33, 30), (9, 8), (4, 3), chunk)
    output = make_output(kind, values.shape, dtype)
    aggregator = Aggregator(sampler, output=output, weights="triangle")
    for patch, bbox in sampler:
        aggregator.append(patch, bbox)
    result = aggregator.get_output(inplace=True)
    assert result is output
    assert aggregator.get_output(inplace=True) is output
    np.testing.assert_allclose(np.asarray(result).astype("float64"), values, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_whole_numbers_are_rounded_and_copies_leave_the_output_in_place_alone() -> None:
    sampler = GridSampler(None, (4,), (2,))
    output = np.zeros(4, np.uint8)
    aggregator = Aggregator(sampler, output=output)
    for bbox in sampler:
        aggregator.append(np.array([1.6, 254.5]), bbox)
    result = aggregator.get_output()
    assert result.tolist() == [2, 254, 2, 254]
    assert output.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("chunk", [None, (400,)])
def test_more_than_255_patches_over_a_voxel_do_not_overflow(chunk: Any) -> None:
    """Patchly counts them in 8 bits and returns other values here."""
    sampler = GridSampler(np.ones(900, np.float32), (900,), (300,), (1,), chunk)
    aggregator = Aggregator(sampler, output=np.zeros(900, np.float32))
    for patch, bbox in sampler:
        aggregator.append(patch, bbox)
    np.testing.assert_array_equal(aggregator.get_output(), 1)


def test_finished_chunks_are_normalised_processed_written_and_freed() -> None:
    """Half-way, the chunks above are in the output, and no more than a row of them is in flight."""
    image = RNG.random((64, 32)).astype(np.float32)
    seen: list[Sizes] = []

    def percent(chunk: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        seen.append(chunk.shape)
        return 100 * chunk

    sampler = GridSampler(image, (64, 32), (4, 4), (2, 2), (8, 8))
    output = np.zeros((64, 32), np.float32)
    aggregator = Aggregator(sampler, output=output, weights="gaussian", chunk_postprocess_func=percent)
    most = 0
    for patch, bbox in sampler:
        aggregator.append(patch, bbox)
        most = max(most, len(aggregator._sums._flying))
    np.testing.assert_allclose(aggregator.get_output(), 100 * image, rtol=1e-5)
    assert sorted(seen) == [(8, 8)] * 32
    assert most <= 2 * 4 + 1


def test_patches_that_never_come_leave_zeros_and_the_mean_of_the_others() -> None:
    for chunk in (None, (6, 6)):
        sampler = GridSampler(np.ones((12, 12)), (12, 12), (4, 4), None, chunk)
        aggregator = Aggregator(sampler, output=np.zeros((12, 12)))
        left_out = [4, 4]
        for patch, bbox in sampler:
            if bbox[:, 0].tolist() != left_out:
                aggregator.append(patch, bbox)
        expected = np.ones((12, 12))
        expected[4:8, 4:8] = 0
        np.testing.assert_array_equal(aggregator.get_output(), expected)


@pytest.mark.parametrize("when", ["process", "write"])
def test_what_fails_in_a_thread_is_raised(when: str) -> None:
    class Full(np.ndarray[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            raise OSError("disk full")

    def fail(_chunk: Any) -> Any:
        raise OSError("disk full")

    sampler = GridSampler(np.ones((12, 12)), (12, 12), (4, 4), None, (6, 6))
    output = np.zeros((12, 12)).view(Full) if when == "write" else np.zeros((12, 12))
    aggregator = Aggregator(sampler, output=output, chunk_postprocess_func=fail if when == "process" else None)
    with pytest.raises(OSError, match="disk full"):  # noqa: PT012  at the next patch or at the end
        for patch, bbox in sampler:
            aggregator.append(patch, bbox)
        aggregator.get_output()


class Watched:
    """An array that notes how many threads write at once, as a zarr array would see them."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.chunks, self.shards = array.chunks, None
        self.now = self.most = 0
        self.barrier = threading.Barrier(2)

    def __getitem__(self, key: Any) -> Any:
        return self.array[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        with suppress(threading.BrokenBarrierError):
            self.barrier.wait(timeout=0.5)
        self.array[key] = value
        self.now -= 1


Watched.__module__ = "zarr.watched"


@pytest.mark.parametrize(("stored", "at_once"), [((8, 8), True), ((16, 16), True), ((12, 16), False)])
def test_threads_write_zarr_at_once_only_where_its_chunks_are_not_shared(stored: Sizes, at_once: bool) -> None:
    image = RNG.random((32, 32)).astype(np.float32)
    output = Watched(make_output("zarr", (32, 32), "float32", stored))
    sampler = GridSampler(image, (32, 32), (8, 8), None, (16, 16))
    aggregator = Aggregator(sampler, output=output)
    for patch, bbox in sampler:
        aggregator.append(patch, bbox)
    np.testing.assert_allclose(aggregator.get_output()[:], image, rtol=1e-6)
    assert (output.most > 1) == at_once


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Either output or output_size"),
        ({"output": np.zeros((12, 12)), "output_size": (12, 11)}, "output_size"),
        ({"output": 3}, "output must be an array"),
        ({"output_size": (12, 11)}, "spatial shape"),
        ({"output_size": (12, 12, 3), "spatial_first": False}, "spatial shape"),
        ({"output_size": (12, 12), "has_batch_dim": True}, "spatial_first=False"),
        ({"output_size": (12, 12), "chunk_postprocess_func": abs}, "chunk_postprocess_func"),
        ({"output_size": (12, 12), "weights": "hamming"}, "weights must be"),
        ({"output_size": (12, 12), "weights": np.ones((3, 3))}, "one value for each voxel"),
        ({"output_size": (12, 12), "weights": -np.ones((4, 4))}, "not negative"),
    ],
)
def test_what_does_not_fit_is_a_runtime_error(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        Aggregator(GridSampler(None, (12, 12), (4, 4)), **arguments)


@pytest.mark.parametrize(
    ("patch", "bbox", "text"),
    [
        (np.ones((4, 3)), [[0, 4], [0, 4]], "spatial shape"),
        (np.ones((4, 4)), [[0, 4]], "patch_bbox must be integers"),
        (np.ones((4, 4)), [[0.0, 4.0], [0.0, 4.0]], "patch_bbox must be integers"),
        (np.ones((4, 4)), [[1, 5], [0, 4]], "where the sampler says"),
        (np.ones((4, 4)), [[0, 4], [0, 4]], "appended before"),
    ],
)
def test_patches_from_elsewhere_or_twice_are_refused(patch: Any, bbox: Any, text: str) -> None:
    aggregator = Aggregator(GridSampler(None, (12, 12), (4, 4), None, (6, 6)), output_size=(12, 12))
    aggregator.append(np.ones((4, 4)), [[0, 4], [0, 4]])
    with pytest.raises(RuntimeError, match=text):
        aggregator.append(patch, bbox)


def test_nothing_is_appended_to_a_result() -> None:
    for chunk, inplace in ((None, True), ((6, 6), False)):
        sampler = GridSampler(np.ones((12, 12)), (12, 12), (4, 4), None, chunk)
        aggregator = Aggregator(sampler, output_size=(12, 12))
        first, second = sampler[0], sampler[1]
        aggregator.append(*first)
        aggregator.get_output(inplace=inplace)
        with pytest.raises(RuntimeError, match="get_output"):
            aggregator.append(*second)
