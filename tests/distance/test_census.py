"""Which classes are counted, and what is said of those without a border."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seamless.distance import Census, count_labels
from napari_seamless.errors import SettingsError

LABELS = np.array([[0, 2, 2], [2, 0, 7]])


@pytest.mark.parametrize("dtype", ["u1", "i2", "u8", "i8"])
def test_without_classes_they_run_from_0_to_the_largest_label(dtype):
    census = Census.of(count_labels(LABELS.astype(dtype), None), None, 6)
    assert census.classes == tuple(range(8))
    assert census.counts.tolist() == [2, 0, 3, 0, 0, 0, 0, 1]
    assert census.measured == (0, 2, 7)


def test_booleans_are_two_classes():
    assert Census.of(count_labels(LABELS > 0, None), None, 6).counts.tolist() == [2, 4]


def test_given_classes_keep_their_order_and_may_be_negative():
    census = Census.of(count_labels(LABELS - 2, (5, -2, 4)), (5, -2, 4), 6)
    assert census.counts.tolist() == [1, 2, 0]


def test_a_class_that_is_absent_and_one_that_is_everywhere_are_not_measured_and_told():
    census = Census.of(count_labels(np.full((2, 2), 3, np.uint8), (3, 4, 5)), (3, 4, 5), 4)
    assert census.measured == ()
    absent, full = census.warnings
    assert "labels 4, 5" in absent
    assert "label 3" in full


@pytest.mark.parametrize(("labels", "told"), [([-1, 0], "-1"), ([0, 64], "64")])
def test_labels_that_cannot_be_counted_on_are_refused_with_the_value(labels, told):
    with pytest.raises(SettingsError, match=f"got {told};"):
        count_labels(np.array(labels), None)
