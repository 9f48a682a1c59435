"""Patches along one axis: coverage, distances and the positions that peer libraries choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices
from patchly.sampler import GridSampler, SamplingMode
from tests.strategies import BORDERS, axis_grids, axis_settings

from napari_seamless.errors import GeometryError
from napari_seamless.plan import axis_grid
from napari_seamless.types import AxisGrid, BorderMode

COVERING = [border for border in BORDERS if border != "crop"]


def covered(grid: AxisGrid) -> set[int]:
    """Return the voxels that some patch of the grid covers."""
    return {voxel for i in range(len(grid)) for voxel in range(*grid.interval(i))}


def patchly_starts(length: int, patch: int, step: int, mode: SamplingMode) -> tuple[int, ...]:
    sampler = GridSampler(None, spatial_size=(length,), patch_size=(patch,), step_size=(step,), mode=mode)
    return tuple(int(box[0][0]) for box in sampler)


@given(axis_settings(), st.sampled_from(COVERING))
def test_every_voxel_is_covered_and_no_patch_leaves_the_volume(
    settings: tuple[int, int, int], border: BorderMode
) -> None:
    grid = axis_grid(*settings, border)
    assert covered(grid) == set(range(settings[0]))


@given(axis_settings(), st.sampled_from(BORDERS))
def test_no_distance_is_above_the_step_and_positions_rise(settings: tuple[int, int, int], border: BorderMode) -> None:
    _, patch, step = settings
    grid = axis_grid(*settings, border)
    distances = np.diff(grid.starts)
    assert np.all(distances >= 1)
    assert np.all(distances <= step)
    assert np.all(np.diff([grid.interval(i)[1] for i in range(len(grid))]) >= 1)
    assert max(grid.sizes) <= patch
    assert grid.starts[0] == 0


@given(axis_settings())
def test_squeeze_spreads_the_shift_evenly_over_the_fewest_patches(settings: tuple[int, int, int]) -> None:
    length, patch, step = settings
    grid = axis_grid(*settings, "squeeze")
    distances = np.diff(grid.starts)
    assert set(grid.sizes) == {patch}
    if len(grid) > 1:
        assert distances.max() - distances.min() <= 1
    # one patch fewer could not span the volume with distances up to the step
    assert len(grid) == 1 or (len(grid) - 2) * step + patch < length


@given(axis_settings())
def test_edge_equals_the_positions_of_monai_and_patchly(settings: tuple[int, int, int]) -> None:
    length, patch, step = settings
    grid = axis_grid(*settings, "edge")
    monai = tuple(int(s.start) for (s,) in dense_patch_slices((length,), (patch,), (step,)))
    assert grid.starts == monai
    assert grid.starts == patchly_starts(length, patch, step, SamplingMode.SAMPLE_EDGE)
    assert set(grid.sizes) == {patch}


@given(axis_settings())
def test_crop_equals_patchly_and_leaves_less_than_a_step(settings: tuple[int, int, int]) -> None:
    length, patch, step = settings
    grid = axis_grid(*settings, "crop")
    assert grid.starts == patchly_starts(length, patch, step, SamplingMode.SAMPLE_CROP)
    assert 0 <= length - grid.interval(len(grid) - 1)[1] < step


@given(axis_settings(), st.integers(1, 8))
def test_adaptive_patches_are_multiples_and_only_the_last_is_smaller(
    settings: tuple[int, int, int], divisor: int
) -> None:
    length, patch, step = (divisor * n for n in settings)
    for remainder in range(divisor):
        grid = axis_grid(length + remainder, patch, step, "adaptive", divisor=divisor)
        assert covered(grid) == set(range(length + remainder))
        assert all(size % divisor == 0 for size in grid.sizes)
        assert set(grid.sizes[:-1]) <= {patch}


@pytest.mark.parametrize(
    ("settings", "divisor", "starts", "sizes"),
    [
        ((10, 16, 8), 1, (0,), (10,)),  # the volume is smaller than a patch: one patch of its size
        ((10, 16, 8), 4, (0, 6), (8, 4)),  # 10 is no multiple of 4: patches of 8, the last one of 4 shifted back
        ((11, 4, 2), 1, (0, 2, 4, 6, 8), (4, 4, 4, 4, 3)),
        ((11, 4, 4), 2, (0, 4, 7), (4, 4, 4)),
        ((3, 8, 8), 3, (0,), (3,)),
    ],
)
def test_adaptive_in_small_volumes(
    settings: tuple[int, int, int], divisor: int, starts: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    grid = axis_grid(*settings, "adaptive", divisor=divisor)
    assert (grid.starts, grid.sizes) == (starts, sizes)


@given(axis_grids(), st.integers(-3, 70), st.integers(-3, 70))
def test_touching_equals_brute_force(grid: AxisGrid, lo: int, hi: int) -> None:
    wanted = set(range(lo, hi))
    truth = [i for i in range(len(grid)) if wanted & set(range(*grid.interval(i)))]
    assert list(grid.touching(lo, hi)) == truth


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((10, 12, 4, "squeeze"), {"axis": "z"}, "patch size along z is 12 but the volume has only 10 voxels"),
        ((10, 4, 5, "edge"), {"axis": "y"}, "step along y must be 1 to the patch size 4, got 5"),
        ((10, 4, 0, "crop"), {}, "must be 1 to the patch size 4, got 0"),
        ((3, 8, 8, "adaptive"), {"divisor": 4, "axis": "x"}, "3 voxels along x, fewer than the 4"),
        ((10, 4, 4, "mirror"), {}, "border mode must be squeeze, edge, adaptive, crop or pad, got 'mirror'"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    arguments: tuple[int, int, int, BorderMode], options: dict[str, object], says: str
) -> None:
    with pytest.raises(GeometryError, match=says):
        axis_grid(*arguments, **options)  # type: ignore[arg-type]
