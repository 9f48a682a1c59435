"""Patches out of an image: positions against Patchly and against first principles, over every kind of array."""

from __future__ import annotations

import itertools
import pickle
import time
import tracemalloc
from typing import Any

import dask.array as da
import numpy as np
import patchly
import pytest
import torch
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless import GridSampler, SamplingMode

RNG = np.random.default_rng(3)
SAMPLE_MODES = [mode for mode in SamplingMode if not mode.pads]

# name: (spatial size, patch size, step size); the names of the cases say whether a whole number of steps fits
GEOMETRIES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...] | None]] = {
    "1d": ((30,), (6,), None),
    "1d, remainder": ((31,), (6,), (4,)),
    "2d": ((40, 40), (10, 10), None),
    "2d, remainder": ((43, 47), (10, 10), None),
    "2d, step": ((40, 40), (10, 10), (5, 5)),
    "2d, step, remainder": ((43, 47), (10, 10), (5, 5)),
    "2d, step, remainder, other": ((49, 31), (10, 8), (9, 7)),
    "3d": ((20, 20, 10), (10, 10, 5), None),
    "3d, remainder": ((23, 27, 11), (10, 10, 5), None),
    "3d, step, remainder": ((23, 27, 11), (10, 10, 5), (5, 5, 5)),
    "4d, step, remainder": ((5, 9, 7, 6), (2, 4, 4, 4), (1, 3, 4, 2)),
    "5d": ((4, 16, 8, 8, 4), (2, 8, 4, 4, 4), None),
    "5d, remainder": ((5, 17, 9, 9, 5), (2, 8, 4, 4, 4), None),
    "5d, step, remainder": ((5, 17, 9, 9, 5), (2, 8, 4, 4, 4), (1, 8, 2, 3, 2)),
    "size-1 axes": ((1, 13, 1), (1, 5, 1), (1, 3, 1)),
}


def patchly_mode(mode: SamplingMode) -> patchly.SamplingMode:
    return patchly.SamplingMode[mode.name]


def bboxes(sampler: Any) -> np.ndarray[Any, Any]:
    return np.array([sampler.get_bbox(i) for i in range(len(sampler))])


@pytest.mark.parametrize("case", GEOMETRIES)
@pytest.mark.parametrize("mode", [m for m in SAMPLE_MODES if m is not SamplingMode.SAMPLE_SQUEEZE])
def test_positions_are_patchlys(case: str, mode: SamplingMode) -> None:
    spatial, patch, step = GEOMETRIES[case]
    theirs = patchly.GridSampler(None, spatial, patch, step, mode=patchly_mode(mode))
    ours = GridSampler(None, spatial, patch, step, mode=mode)
    np.testing.assert_array_equal(bboxes(ours), bboxes(theirs))


@pytest.mark.parametrize("case", GEOMETRIES)
def test_squeeze_has_patchlys_number_of_patches_and_spreads_the_remainder(case: str) -> None:
    """Patchly leaves the whole remainder to the last gap: 32 voxels and patches of 10 give gaps of 8, 8, 6 there."""
    spatial, patch, step = GEOMETRIES[case]
    ours = GridSampler(None, spatial, patch, step, mode=SamplingMode.SAMPLE_SQUEEZE)
    if all(n > p for n, p in zip(spatial, patch, strict=True)):  # else Patchly divides by zero
        assert len(ours) == len(patchly.GridSampler(None, spatial, patch, step))
    for axis, (n, p, s) in enumerate(zip(spatial, patch, step or patch, strict=True)):
        starts = np.unique(bboxes(ours)[:, axis, 0])
        assert (starts[0], starts[-1] + p) == (0, n)
        gaps = np.diff(starts)
        assert gaps.size == 0 or (gaps.max() - gaps.min() <= 1 and gaps.max() <= s)


@pytest.mark.parametrize("case", GEOMETRIES)
@pytest.mark.parametrize("mode", SamplingMode)
def test_patches_are_the_image_under_their_boxes_and_cover_it(case: str, mode: SamplingMode) -> None:
    spatial, patch, step = GEOMETRIES[case]
    image = RNG.random(spatial)
    covered = np.zeros(spatial, bool)
    for values, bbox in GridSampler(image, spatial, patch, step, mode=mode, pad_kwargs={"mode": "edge"}):
        assert bbox.shape == (len(spatial), 2)
        assert np.issubdtype(bbox.dtype, np.integer)
        index = np.ix_(*(np.clip(np.arange(a, b), 0, n - 1) for (a, b), n in zip(bbox, spatial, strict=True)))
        np.testing.assert_array_equal(values, image[index])
        assert mode is SamplingMode.SAMPLE_ADAPTIVE or values.shape == patch
        covered[index] = True
    reached = tuple(
        slice((n - p) // s * s + p if mode is SamplingMode.SAMPLE_CROP else n)
        for n, p, s in zip(spatial, patch, step or patch, strict=True)
    )
    assert covered[reached].all()
    assert covered.sum() == covered[reached].size


@pytest.mark.parametrize("case", ["2d", "2d, step, remainder", "3d, step, remainder", "4d, step, remainder"])
@pytest.mark.parametrize("mode", SAMPLE_MODES)
def test_patches_come_chunk_by_chunk_in_patchlys_order(case: str, mode: SamplingMode) -> None:
    spatial, patch, step = GEOMETRIES[case]
    chunk = tuple(min(n, p + 2) for n, p in zip(spatial, patch, strict=True))
    ours = GridSampler(None, spatial, patch, step, chunk, mode=mode)
    if mode is SamplingMode.SAMPLE_SQUEEZE:  # other positions than Patchly's, the same rule: sorted by the first chunk
        plain = bboxes(GridSampler(None, spatial, patch, step, mode=mode))
        grid = [-(-n // c) for n, c in zip(spatial, chunk, strict=True)]
        first = np.ravel_multi_index(tuple((plain[:, :, 0] // chunk).T), grid)
        expected = plain[np.argsort(first, kind="stable")]
    else:
        expected = bboxes(patchly.GridSampler(None, spatial, patch, step, chunk, mode=patchly_mode(mode)))
    np.testing.assert_array_equal(bboxes(ours), expected)


@given(data=st.data(), mode=st.sampled_from(SamplingMode))
def test_chunk_order_is_a_permutation(data: Any, mode: SamplingMode) -> None:
    axes = []
    for _ in range(data.draw(st.integers(1, 3))):
        patch = data.draw(st.integers(1, 5))
        chunk = data.draw(st.integers(patch + 1, patch + 6))
        axes.append((data.draw(st.integers(chunk, chunk + 12)), patch, data.draw(st.integers(1, patch)), chunk))
    spatial, patch, step, chunk = zip(*axes, strict=True)
    plain = bboxes(GridSampler(None, spatial, patch, step, mode=mode))
    chunked = bboxes(GridSampler(None, spatial, patch, step, chunk, mode=mode))
    assert sorted(plain.tolist()) == sorted(chunked.tolist())


@pytest.mark.parametrize(
    ("others", "spatial_first"), [((3,), False), ((3,), True), ((2, 3), False), ((4, 2, 3), False), ((2, 3), True)]
)
def test_other_axes_come_along_whole(others: tuple[int, ...], spatial_first: bool) -> None:
    spatial, patch = (13, 11), (5, 4)
    image = RNG.random((*spatial, *others) if spatial_first else (*others, *spatial))
    for values, ((a, b), (c, d)) in GridSampler(image, spatial, patch, spatial_first=spatial_first):
        expected = image[a:b, c:d] if spatial_first else image[..., a:b, c:d]
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("mode", [SamplingMode.SAMPLE_SQUEEZE, SamplingMode.PAD_BOTH])
@pytest.mark.parametrize("spatial_first", [True, False])
@pytest.mark.parametrize("kind", ["zarr", "dask", "torch"])
def test_any_array_gives_the_patches_of_numpy(kind: str, spatial_first: bool, mode: SamplingMode) -> None:
    values = RNG.random((9, 7, 2) if spatial_first else (2, 9, 7)).astype(np.float32)
    image: Any = {"zarr": zarr.array, "dask": da.from_array, "torch": torch.tensor}[kind](values)
    settings: dict[str, Any] = {"spatial_first": spatial_first, "mode": mode, "pad_kwargs": {"mode": "reflect"}}
    expected = GridSampler(values, (9, 7), (4, 4), **settings)
    for (patch, bbox), (there, its_bbox) in zip(GridSampler(image, (9, 7), (4, 4), **settings), expected, strict=True):
        assert isinstance(patch, torch.Tensor if kind == "torch" else np.ndarray)
        np.testing.assert_array_equal(np.asarray(patch), there)
        np.testing.assert_array_equal(bbox, its_bbox)


@pytest.mark.parametrize("mode", [SamplingMode.PAD_END, SamplingMode.PAD_UNKNOWN, SamplingMode.PAD_BOTH])
@pytest.mark.parametrize(
    "keywords",
    [
        None,
        {"mode": "constant", "constant_values": 7},
        {"mode": "linear_ramp", "end_values": -3},
        {"mode": "symmetric", "reflect_type": "odd"},
        {"mode": "wrap"},
        {"mode": "median", "stat_length": 3},
        {"mode": "minimum", "stat_length": (2, 4)},
    ],
)
def test_padding_is_numpys_of_the_whole_image(mode: SamplingMode, keywords: dict[str, Any] | None) -> None:
    image = RNG.integers(0, 100, (11, 2))
    sampler = GridSampler(image, (11, 2), (5, 4), (4, 2), mode=mode, pad_kwargs=keywords)
    boxes = bboxes(sampler)
    before, after = -boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0) - image.shape
    assert (before.max() == 0) == (mode is not SamplingMode.PAD_BOTH)
    assert (before + after).tolist() == [2, 2]
    if keywords and isinstance(keywords.get("stat_length"), tuple):
        numpys = {**keywords, "stat_length": [(2, 2), (4, 4)]}
    else:
        numpys = keywords or {"mode": "constant"}
    padded = np.pad(image, list(zip(before, after, strict=True)), **numpys)
    for patch, ((a, b), (c, d)) in sampler:
        np.testing.assert_array_equal(patch, padded[a + before[0] : b + before[0], c + before[1] : d + before[1]])


def test_the_sequence_protocol() -> None:
    image = RNG.random((9, 9))
    sampler = GridSampler(image, (9, 9), (4, 4))
    assert len(sampler) == len(list(sampler)) == 9
    for i, (patch, bbox) in enumerate(sampler):
        np.testing.assert_array_equal(patch, sampler[i][0])
        np.testing.assert_array_equal(bbox, sampler[np.int64(i - 9)][1])
    for outside in (9, -10):
        with pytest.raises(IndexError):
            sampler[outside]
    copy = pickle.loads(pickle.dumps(sampler))
    np.testing.assert_array_equal(copy[4][0], sampler[4][0])
    boxes = list(GridSampler(None, (9, 9), (4, 4)))
    np.testing.assert_array_equal(boxes, bboxes(sampler))


def test_a_torch_loader_takes_it_as_a_data_set() -> None:
    image = RNG.random((3, 9, 9)).astype(np.float32)
    loader = torch.utils.data.DataLoader(GridSampler(image, (9, 9), (4, 4), spatial_first=False), batch_size=4)
    shapes = [(tuple(patch.shape), tuple(bbox.shape)) for patch, bbox in loader]
    assert shapes == [((4, 3, 4, 4), (4, 2, 2))] * 2 + [((1, 3, 4, 4), (1, 2, 2))]


def test_planning_costs_the_sum_of_the_axes_not_their_product() -> None:
    """10^12 patches: Patchly would need arrays of 48 TB."""
    tracemalloc.start()
    begin = time.perf_counter()
    sampler = GridSampler(None, (320_000,) * 3, (64,) * 3, (32,) * 3, (640,) * 3)
    seconds = time.perf_counter() - begin
    last = sampler[len(sampler) - 1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sampler) == 9999**3
    assert last.tolist() == [[319_936, 320_000]] * 3
    assert peak < 20e6
    assert seconds < 5


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"image": [1, 2, 3]}, "image must be an array"),
        ({"image": np.zeros((8, 9))}, "spatial_size is"),
        ({"image": np.zeros((10, 10, 3)), "spatial_first": False}, "spatial_first=True"),
        ({"patch_size": (11, 10)}, "must not exceed spatial_size"),
        ({"patch_size": (4, 4), "step_size": (5, 4)}, "must not exceed patch_size"),
        ({"patch_size": (4, 4, 4)}, "one value for each of the 2 axes"),
        ({"step_size": (4,)}, "one value for each of the 2 axes"),
        ({"chunk_size": (6, 6, 6)}, "one value for each of the 2 axes"),
        ({"chunk_size": (11, 10)}, "chunk_size"),
        ({"chunk_size": (4, 8)}, "chunk_size"),
        ({"patch_size": (0, 4)}, "at least 1"),
        ({"patch_size": (2.5, 4)}, "whole numbers"),
        ({"mode": "squeeze"}, "SamplingMode"),
        ({"mode": SamplingMode.PAD_END, "pad_kwargs": {"mode": "empty"}}, "padding mode"),
        ({"mode": SamplingMode.PAD_END, "pad_kwargs": {"mode": "mean"}}, "stat_length"),
        ({"mode": SamplingMode.PAD_END, "pad_kwargs": {"constant_values": (1, 2)}}, "one number"),
        ({"mode": SamplingMode.PAD_END, "pad_kwargs": {"end_values": 1}}, "end_values"),
    ],
)
def test_what_does_not_fit_is_a_runtime_error_in_one_sentence(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(RuntimeError, match=text) as caught:
        GridSampler(**{"image": np.zeros((10, 10)), "spatial_size": (10, 10), "patch_size": (4, 4), **arguments})
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(("mode", "larger"), list(itertools.product(SAMPLE_MODES, [(7, 4), (4, 7)])))
def test_whole_patches_refuse_what_padding_takes(mode: SamplingMode, larger: tuple[int, int]) -> None:
    with pytest.raises(RuntimeError, match="PAD_END"):
        GridSampler(None, (6, 6), larger, (2, 2), mode=mode)
    sampler = GridSampler(np.ones((6, 6)), (6, 6), larger, (2, 2), mode=SamplingMode.PAD_END)
    assert {patch.shape for patch, _ in sampler} == {larger}
