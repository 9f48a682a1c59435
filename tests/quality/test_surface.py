"""Surface Dice against distance transforms of an independent library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.quality import surface_dice

NAMES = ["background", "a", "b"]


def labels(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2)
    return np.digitize(smooth, np.quantile(smooth, [0.5, 0.8])).astype(np.uint8)


def by_distances(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...], tolerance: float) -> float:
    """Surfaces by erosion with full borders, distances by an exact Euclidean transform."""
    surfaces = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in (first, second)]
    near = 0
    for one, other in (surfaces, surfaces[::-1]):
        distance = ndimage.distance_transform_edt(~other, sampling=spacing)
        near += np.count_nonzero(one & (distance <= tolerance * (1 + 1e-9)))
    return near / sum(map(np.count_nonzero, surfaces))


@pytest.mark.parametrize(
    ("shape", "spacing", "tolerance"),
    [
        ((40, 50), (1.0, 1.0), 1.0),
        ((40, 50), (0.5, 2.0), 1.3),
        ((20, 24, 22), (1.0, 1.0, 1.0), 0.0),
        ((20, 24, 22), (3.0, 1.0, 0.7), 3.0),
        ((20, 24, 22), (1.0, 1.0, 1.0), 2.5),
    ],
)
def test_agrees_with_distance_transforms(shape, spacing, tolerance) -> None:
    first, second = labels(0, shape), labels(1, shape)
    scores = surface_dice(first, second, NAMES, spacing=spacing, tolerance=tolerance)
    for label, name in ((1, "a"), (2, "b")):
        assert scores[name] == pytest.approx(by_distances(first == label, second == label, spacing, tolerance))


def test_one_voxel_is_tolerated_along_every_axis_by_default() -> None:
    truth = np.zeros((20, 20), np.uint8)
    truth[5:15, 5:15] = 1
    for axis in (0, 1):
        for shift, expected in ((1, 1.0), (3, None)):
            score = surface_dice(np.roll(truth, shift, axis), truth, ["background", "a"], spacing=(5.0, 0.5))["a"]
            assert score == 1.0 if expected else score < 1 or axis == 1


def test_a_class_in_one_of_them_only_scores_0_and_one_in_neither_none() -> None:
    truth = np.zeros((9, 9), np.uint8)
    truth[3:6, 3:6] = 1
    assert surface_dice(np.zeros_like(truth), truth, NAMES, spacing=(1, 1)) == {"a": 0.0, "b": None}


def test_the_edge_of_the_region_is_no_surface() -> None:
    full = np.ones((6, 6), np.uint8)
    assert surface_dice(full, full, ["background", "a"], spacing=(1, 1)) == {"a": None}


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"spacing": (1.0,)}, VolumeError, "must fit each other"),
        ({"spacing": (1.0, 1.0), "tolerance": -1.0}, SettingsError, "at least 0"),
        ({"spacing": (1.0, 1.0), "tolerance": 200.0}, SettingsError, "too many voxels; try 2"),
    ],
)
def test_refusals(options: dict, error: type[Exception], text: str) -> None:
    mask = np.zeros((8, 8), np.uint8)
    with pytest.raises(error, match=text):
        surface_dice(mask, mask, ["background", "a"], **options)
