"""Seams against plain statistics."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seamless.quality import seam_energy, seam_map


def test_the_largest_weighted_deviation_of_any_class() -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.random((5, 3, 4, 6)), rng.random((5, 1, 4, 6))
    means = np.average(values, axis=0, weights=np.broadcast_to(weights, values.shape))
    squares = np.average(values**2, axis=0, weights=np.broadcast_to(weights, values.shape))
    deviation = np.sqrt(np.average((values - means) ** 2, axis=0, weights=np.broadcast_to(weights, values.shape)))
    seam = seam_map(means.astype(np.float32), squares.astype(np.float32))
    assert seam.dtype == np.float32
    np.testing.assert_allclose(seam, deviation.max(axis=0), atol=1e-5)


def test_patches_that_agree_have_no_seam() -> None:
    """Float32 rounding of the squares is no disagreement."""
    means = np.random.default_rng(0).random((2, 50, 50)).astype(np.float32)
    assert seam_map(means, means * means * np.float32(1 + 2e-7)).max() == 0


def test_energy_is_the_mean_where_patches_overlap() -> None:
    seam = np.array([[9.0, 0.1], [0.3, 0.0]], np.float32)
    assert seam_energy(seam, np.array([[1, 2], [4, 8]])) == pytest.approx(0.4 / 3, abs=1e-6)


def test_nothing_is_known_where_nothing_overlaps() -> None:
    assert seam_energy(np.zeros((3, 3), np.float32), np.ones((3, 3), int)) is None
