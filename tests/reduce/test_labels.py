"""Labels from sums equal those from means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_seamless.reduce import argmax_labels, label_dtype, mean_probabilities, threshold_labels
from napari_seamless.reduce.labels import _to_host

# few values, so that many voxels have several largest classes
coarse = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0])


@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4)), elements=coarse))
def test_argmax_is_that_of_numpy_and_takes_the_first_of_equals(sums: np.ndarray) -> None:
    labels = argmax_labels(torch.from_numpy(sums))
    np.testing.assert_array_equal(labels, sums.argmax(axis=0))
    assert labels.dtype == np.uint8


@given(
    arrays(np.float32, (3, 4, 4), elements=st.integers(0, 64).map(float)),
    arrays(np.float32, (4, 4), elements=st.sampled_from([0.5, 1.0, 2.0, 4.0])),
)
def test_the_largest_sum_is_the_largest_mean(sums: np.ndarray, weights: np.ndarray) -> None:
    means = mean_probabilities(torch.from_numpy(sums.copy()), weights)
    np.testing.assert_array_equal(means, sums / weights)
    np.testing.assert_array_equal(argmax_labels(torch.from_numpy(sums)), means.argmax(axis=0))


@pytest.mark.parametrize(("classes", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "uint16"), (300, "uint16")])
def test_every_label_fits_its_type(classes: int, dtype: str) -> None:
    winners = np.arange(classes)
    sums = torch.zeros(classes, classes)
    sums[winners, winners] = 1
    labels = argmax_labels(sums)
    assert labels.dtype == label_dtype(classes) == np.dtype(dtype)
    np.testing.assert_array_equal(labels, winners)


@pytest.mark.parametrize("classes", [3, 300])
def test_labels_leave_a_device_in_their_small_type(classes: int) -> None:
    labels = torch.arange(classes)
    host = _to_host(labels, label_dtype(classes))
    assert host.dtype == label_dtype(classes)
    np.testing.assert_array_equal(host, labels)


def test_sums_are_not_changed_by_argmax() -> None:
    sums = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    before = sums.clone()
    argmax_labels(sums)
    assert torch.equal(sums, before)


def test_threshold_compares_the_mean_and_leaves_uncovered_voxels_empty() -> None:
    sums = torch.tensor([[0.4, 1.2, 1.0, 0.0, 3.0]])
    weights = np.array([1, 2, 2, 0, 4], np.float32)
    np.testing.assert_array_equal(threshold_labels(sums, weights, 0.5), [0, 1, 0, 0, 1])
    # logits: below zero may be foreground too, but never where no patch lies
    np.testing.assert_array_equal(threshold_labels(sums - 1, weights, -0.5), [0, 1, 1, 0, 1])
