"""Weights from errors: known where the error is known, and the best ones where errors are independent."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_seamless.errors import NoPatchesError, SettingsError
from napari_seamless.plan import window_array
from napari_seamless.quality import InverseError, PatchPerformance, performance_window
from napari_seamless.quality.performance_window import inverse_error, separable_factors
from napari_seamless.types import Window

PLAIN = InverseError(smoothing=0, symmetric=False, floor=1e-6, power=1)


def ramp(*shape: int) -> np.ndarray:
    """Return an error that rises from the centre to the faces, along each axis by itself: a product of factors."""
    return reduce(np.multiply.outer, [1 + np.abs(np.arange(n) - (n - 1) / 2) for n in shape])


@pytest.mark.parametrize("shape", [(7,), (8, 5), (6, 9, 4)])
def test_a_constant_error_gives_a_constant_window(shape: tuple[int, ...]) -> None:
    np.testing.assert_allclose(window_array(performance_window(np.full(shape, 0.3)), shape), 1, rtol=1e-6)


def test_no_error_at_all_gives_a_constant_window() -> None:
    np.testing.assert_array_equal(inverse_error(np.zeros((4, 4))), 1)


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_weights_are_inverse_errors(power: float) -> None:
    error = np.array([[0.1, 0.2, 0.4], [0.5, 0.8, 0.25]])
    fit = InverseError(smoothing=0, symmetric=False, floor=1e-6, power=power)
    np.testing.assert_allclose(inverse_error(error, fit=fit), (0.1 / error) ** power)


@pytest.mark.parametrize("shape", [(9,), (8, 12), (6, 5, 7)])
def test_smoothing_is_that_of_scipy(shape: tuple[int, ...]) -> None:
    error = np.random.default_rng(0).random(shape) + 0.1
    smooth = gaussian_filter(error, [n / 8 for n in shape], mode="reflect")
    found = inverse_error(error, fit=InverseError(smoothing=1 / 8, symmetric=False, floor=1e-6, power=1))
    np.testing.assert_allclose(found, smooth.min() / smooth, rtol=1e-10)


def test_smoothing_weighs_each_mean_by_its_number() -> None:
    """As if each value had been smoothed by itself."""
    rng = np.random.default_rng(0)
    count = rng.integers(0, 4, (12, 10)).astype(float)
    error = np.where(count > 0, rng.random((12, 10)), np.nan)
    total = gaussian_filter(np.nan_to_num(error) * count, [1.2, 1.0])
    expected = total / gaussian_filter(count, [1.2, 1.0])
    found = inverse_error(error, count, InverseError(smoothing=0.1, symmetric=False, floor=1e-6, power=1))
    np.testing.assert_allclose(found, expected.min() / expected, rtol=1e-10)


def test_mirror_images_are_averaged_where_asked() -> None:
    error = np.random.default_rng(0).random((6, 7)) + 0.1
    even = (error + error[::-1] + error[:, ::-1] + error[::-1, ::-1]) / 4
    fit = InverseError(smoothing=0, floor=1e-6, power=1)
    np.testing.assert_allclose(inverse_error(error, fit=fit), even.min() / even)
    assert not np.allclose(inverse_error(error, fit=PLAIN), inverse_error(error, fit=PLAIN)[::-1])


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 0.01, 0.5]), st.sampled_from([0.5, 1.0, 4.0]))
def test_no_voxel_loses_its_say(seed: int, floor: float, power: float) -> None:
    rng = np.random.default_rng(seed)
    error = rng.random((7, 6)) * (rng.random((7, 6)) < 0.5)  # half of it without an error
    fit = InverseError(floor=floor, power=power, smoothing=rng.choice([0, 0.05]))
    weights = inverse_error(error, rng.integers(0, 3, error.shape) + 1, fit)
    assert floor * (1 - 1e-9) <= weights.min() <= weights.max() <= 1


def test_where_nothing_was_seen_the_mean_error_counts() -> None:
    weights = inverse_error([0.1, np.nan, 0.3], fit=PLAIN)
    np.testing.assert_allclose(weights, [1, 0.5, 1 / 3])


def test_a_product_becomes_factors_and_anything_else_stays_whole() -> None:
    shape = (8, 10, 6)
    product = performance_window(ramp(*shape), fit=PLAIN)
    assert product.kind == "factors"
    np.testing.assert_allclose(window_array(product, shape), 1 / ramp(*shape) * ramp(*shape).min(), rtol=1e-6)
    # a ball is not a product: along the diagonal the factors are far too small or too large
    distance = np.sqrt(sum((axis - 5) ** 2 for axis in np.meshgrid(*[np.arange(11)] * 2, indexing="ij")))
    ball = np.where(distance < 5, 0.1, 1.0)
    whole = performance_window(ball, fit=PLAIN)
    assert whole.kind == "array"
    np.testing.assert_allclose(window_array(whole, (11, 11)), 0.1 / ball, rtol=1e-6)


def test_the_limit_decides_between_factors_and_weights() -> None:
    weights = np.outer([1.0, 2.0], [1.0, 2.0])
    weights[0, 0] *= 1.2
    _, difference = separable_factors(weights)
    # by hand: a factor of 1.2 in one of four cells leaves 1.2 ** 0.25 in each, up or down
    off = 1.2**0.25
    expected = np.sqrt(np.mean([(off - 1) ** 2, (off - 1) ** 2, (1 / off - 1) ** 2, (1 / off - 1) ** 2]))
    assert difference == pytest.approx(expected)
    for within, kind in ((difference * 1.01, "factors"), (difference * 0.99, "array"), (0, "array")):
        fit = InverseError(smoothing=0, symmetric=False, floor=1e-6, power=1, separable_within=within)
        assert performance_window(1 / weights, fit=fit).kind == kind


def test_independent_errors_are_least_with_inverse_variances() -> None:
    """Blend a row of overlapping patches whose noise is known: no other window has less error, nor than predicted."""
    patch, step, length = 32, 8, 512
    deviation = np.where(np.abs(np.arange(patch) - 15.5) < 12, 0.3, 2.0)
    starts = range(0, length - patch + 1, step)
    windows = {
        "performance": performance_window(deviation**2, fit=PLAIN),
        "constant": Window(kind="constant"),
        "gaussian": Window(kind="gaussian"),
        "hann": Window(kind="hann"),
    }
    rng = np.random.default_rng(0)
    noise = {start: rng.normal(0, deviation, (400, patch)) for start in starts}
    error = {}
    for name, window in windows.items():
        weights = window_array(window, (patch,)).astype(float)
        values, total = np.zeros((400, length)), np.zeros(length)
        for start, values_of in noise.items():
            values[:, start : start + patch] += weights * values_of
            total[start : start + patch] += weights
        error[name] = np.mean((values / total) ** 2)
    information = np.zeros(length)
    for start in starts:
        information[start : start + patch] += 1 / deviation**2
    assert error["performance"] == pytest.approx(np.mean(1 / information), rel=0.02)
    assert error["performance"] < 0.97 * min(error[name] for name in ("constant", "gaussian", "hann"))


def test_a_tracked_map_becomes_a_window() -> None:
    """Errors in the two outer voxels of every patch, half as often elsewhere."""
    performance = PatchPerformance("error_rate")
    wrong = torch.zeros(2, 8, dtype=torch.bool)
    wrong[:, :2] = wrong[:, -2:] = wrong[0] = True
    performance.add(wrong)
    window = performance_window(performance.mean, performance.count, InverseError(smoothing=0, power=1))
    np.testing.assert_allclose(window_array(window, (8,)), [0.5, 0.5, 1, 1, 1, 1, 0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize(
    ("error", "count", "says"),
    [
        ([0.1, -0.1], None, "0 or more"),
        ([0.1, np.inf], None, "finite"),
        ([0.1, 0.2], [1, 2, 3], "the shape of a patch"),
        ([0.1, 0.2], [1, -2], "0 or more"),
        (0.5, None, "the shape of a patch"),
    ],
)
def test_what_is_no_map_of_errors_is_refused(error: object, count: object, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        performance_window(error, count)


def test_without_a_patch_there_are_no_weights() -> None:
    with pytest.raises(NoPatchesError, match="measure one patch"):
        performance_window([np.nan, np.nan])


@pytest.mark.parametrize(
    "values", [{"smoothing": -1}, {"floor": 0}, {"floor": 2}, {"power": 0}, {"separable_within": -0.1}]
)
def test_settings_out_of_their_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="try InverseError"):
        InverseError(**values)
