"""The first classes of a stable sort of the means, with these means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.reduce import argmax_labels, check_top_classes, top_classes
from napari_seamless.reduce.top_classes import _on_device, _on_host

FLOAT32, FLOAT16, UINT8 = (np.dtype(t) for t in (np.float32, np.float16, np.uint8))

# few values, so that many voxels have several largest classes
coarse = st.sampled_from([0.0, 0.25, 0.5, 1.0])
SHAPES = st.tuples(st.integers(2, 6), st.integers(1, 4), st.integers(1, 4))


def sorted_by_numpy(means: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-means, axis=0, kind="stable")[:k]
    return order, np.take_along_axis(means, order, axis=0)


@given(arrays(np.float32, SHAPES, elements=coarse), st.data())
def test_it_is_a_stable_sort_on_host_and_device(means: np.ndarray, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(means)))
    order, values = sorted_by_numpy(means, k)
    stored = top_classes(torch.from_numpy(means.copy()), np.ones(means.shape[1:], np.float32), k, FLOAT32)
    np.testing.assert_array_equal(stored, np.concatenate([order, values]))
    np.testing.assert_array_equal(stored[0], argmax_labels(torch.from_numpy(means)))
    for where in (_on_host, _on_device):
        largest, best = where(torch.from_numpy(means.copy()), k)
        np.testing.assert_array_equal(largest, order)
        np.testing.assert_array_equal(best, values)


@pytest.mark.parametrize(("dtype", "classes"), [(UINT8, 256), (FLOAT16, 2048), (FLOAT32, 2049)])
def test_the_number_of_every_class_is_exact(dtype: np.dtype, classes: int) -> None:
    check_top_classes(1, classes, dtype)
    sums = torch.eye(classes)
    stored = top_classes(sums, np.ones(classes, np.float32), 1, dtype)
    np.testing.assert_array_equal(stored[0], np.arange(classes))


@pytest.mark.parametrize(("dtype", "atol"), [(FLOAT32, 1e-6), (FLOAT16, 5e-4), (UINT8, 0.51)])
def test_sums_are_divided_and_uncovered_voxels_hold_zero(dtype: np.dtype, atol: float) -> None:
    rng = np.random.default_rng(1)
    means = rng.dirichlet(np.ones(5), (7, 8)).transpose(2, 0, 1).astype(np.float32)
    weights = rng.uniform(0.5, 4, (7, 8)).astype(np.float32)
    weights[2, 3:] = 0
    stored = top_classes(torch.from_numpy(means * weights), weights, 3, dtype)
    assert stored.dtype == dtype
    order, values = sorted_by_numpy(means, 3)
    covered = weights > 0
    np.testing.assert_array_equal(stored[:3, covered], order[:, covered])
    np.testing.assert_allclose(stored[3:, covered], values[:, covered] * (255 if dtype == UINT8 else 1), atol=atol)
    assert not stored[:, ~covered].any()


@pytest.mark.parametrize(
    ("k", "classes", "dtype", "said"),
    [
        (3, 2, FLOAT32, "top_k.* 3 .*2"),
        (1, 1, FLOAT32, "single channel"),
        (2, 257, UINT8, "256.*257.*float16"),
        (2, 4000, UINT8, "256.*4000.*float32"),
        (2, 2049, FLOAT16, "2048.*2049.*float32"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(k: int, classes: int, dtype: np.dtype, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_top_classes(k, classes, dtype)


def test_raw_outputs_do_not_become_uint8() -> None:
    with pytest.raises(ModelError, match="activation"):
        top_classes(torch.tensor([[4.0], [-2.0]]), np.ones(1, np.float32), 1, UINT8)
