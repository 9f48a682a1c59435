"""Means of cells, against cell-by-cell arithmetic in whole numbers and doubles."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from napari_seamless.sinks.pyramid import mean, nearest

FACTORS = [(2, 2), (1, 4), (8, 2), (16, 16), (32, 1)]


def cells(block: np.ndarray, factors: tuple[int, ...]) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """Return the voxels of every cell, with its index."""
    shape = tuple(-(-n // f) for n, f in zip(block.shape[1:], factors, strict=True))
    return [
        ((c, *index), block[(c, *(slice(i * f, (i + 1) * f) for i, f in zip(index, factors, strict=True)))])
        for c in range(len(block))
        for index in np.ndindex(*shape)
    ]


@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_integer_means_are_the_nearest_integers(dtype: type, factors: tuple[int, ...]) -> None:
    limits = np.iinfo(dtype)
    block = np.random.default_rng(1).integers(limits.min, limits.max, (2, 35, 50), dtype, endpoint=True)
    block[0] = limits.max  # the sums of such cells exceed the type
    result = mean(block, factors)
    assert result.dtype == dtype
    for index, cell in cells(block, factors):
        # Fraction rounds half to even too
        assert result[index] == round(Fraction(int(cell.sum(dtype=np.int64)), cell.size))


def test_half_between_integers_goes_to_the_even_one_in_smaller_cells_too() -> None:
    block = np.array([[[1, 0, 1, 2, 2, 3]]], np.uint8)
    assert mean(block, (1, 4)).tolist() == [[[1, 2]]]
    thirds = np.array([[[7, 8, 7]] * 2], np.uint8)  # 44 / 6, whose thirds are no doubles
    assert mean(thirds, (2, 4)).tolist() == [[[7]]]


@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_means_are_rounded_once(dtype: type, factors: tuple[int, ...]) -> None:
    block = np.random.default_rng(2).random((2, 35, 50)).astype(dtype)
    result = mean(block, factors)
    assert result.dtype == dtype
    for index, cell in cells(block, factors):
        exact = cell.astype(np.float64).mean()
        if dtype is np.float16:
            assert abs(float(result[index]) - exact) <= np.spacing(np.float16(exact)) / 2 * 1.001
        else:
            np.testing.assert_allclose(result[index], exact, rtol=64 * np.finfo(dtype).eps)


def test_half_precision_does_not_overflow() -> None:
    assert mean(np.full((1, 64, 64), 60000, np.float16), (64, 64)).tolist() == [[[60000.0]]]


def test_single_precision_adds_in_the_order_of_a_reduction() -> None:
    block = np.random.default_rng(3).standard_normal((2, 40, 70)).astype(np.float32)
    for factor in (2, 4, 8, 16, 32):
        starts = np.arange(0, 70, factor)
        sizes = np.diff(np.append(starts, 70)).astype(np.float32)
        expected = np.add.reduceat(block, starts, axis=2) / sizes
        assert mean(block, (1, factor)).tobytes() == expected.tobytes()


def test_labels_are_taken_not_mixed() -> None:
    block = np.arange(35, dtype=np.uint8).reshape(1, 5, 7)
    np.testing.assert_array_equal(nearest(block, (2, 4)), [[[0, 4], [14, 18], [28, 32]]])
