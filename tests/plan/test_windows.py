"""Windows equal those of MONAI, and factor where they say so."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from monai.data.utils import compute_importance_map

from napari_seamless.plan import axis_weights, is_separable, window_array
from napari_seamless.types import Window, WindowKind

SHAPES = [(1,), (7,), (8, 8), (5, 12), (16, 16, 16), (9, 16, 33), (64, 4, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["gaussian", "constant"])
def test_weights_equal_the_importance_map_of_monai(shape: tuple[int, ...], kind: WindowKind) -> None:
    theirs = compute_importance_map(shape, mode=kind, sigma_scale=0.125).numpy()
    ours = window_array(Window(kind=kind), shape)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["gaussian", "constant"])
def test_weights_are_positive_symmetric_and_read_only(kind: WindowKind) -> None:
    weights = window_array(Window(kind=kind), (9, 16))
    assert weights.min() > 0
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 2


def test_a_separable_window_is_the_product_of_its_factors() -> None:
    window = Window(kind="constant")
    assert is_separable(window)
    product = reduce(np.multiply.outer, [axis_weights(window, n) for n in (3, 4, 5)])
    np.testing.assert_array_equal(window_array(window, (3, 4, 5)), product)
    # the floor makes the gaussian a product no longer: it lifts the corners
    gaussian = Window()
    assert not is_separable(gaussian)
    corners = np.multiply.outer(axis_weights(gaussian, 16), axis_weights(gaussian, 16))
    assert window_array(gaussian, (16, 16))[0, 0] == np.float32(gaussian.floor) > corners[0, 0]


def test_sigma_and_floor_shape_the_gaussian() -> None:
    weights = window_array(Window(sigma=0.25, floor=0.2), (101,))
    assert weights[50] == 1
    assert weights[50 + 25] == pytest.approx(np.exp(-0.5 * (25 / (0.25 * 101)) ** 2), rel=1e-6)
    assert weights[0] == np.float32(0.2)
