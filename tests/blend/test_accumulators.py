"""Sums per chunk: the same bytes however the volume is cut and however little memory there is."""

from __future__ import annotations

import errno
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.blend.patches_of import assemble, output_of
from tests.strategies import plans

from napari_seamless.blend import ChunkAccumulators, Scratch, remove_stale
from napari_seamless.blend.tiles import tile_cuts
from napari_seamless.errors import StorageError
from napari_seamless.plan import make_plan, uncovered_chunks
from napari_seamless.types import Plan

PLENTY = 10**9


def under_one_patch(plan: Plan, classes: int = 2) -> int:
    """Return the bytes of the chunks under the patch that touches most of them."""
    return max(
        sum(4 * classes * plan.chunk_box(chunk).size for chunk in plan.chunks_touching(plan.patch_box(index)))
        for index in np.ndindex(*plan.grid_shape)
    )


def whole_sum(plan: Plan, classes: int = 2) -> np.ndarray:
    """Add all patches into one array in raster order, the definition of the result."""
    whole = np.zeros((classes, *plan.shape), np.float32)
    for index in np.ndindex(*plan.grid_shape):
        whole[(slice(None), *plan.patch_box(index).slices)] += output_of(plan, index, classes).numpy()
    return whole


def whole_output(plan: Plan, classes: int = 2) -> np.ndarray:
    """Return the part of the whole sum that the output holds, 0 in chunks without a patch."""
    whole = whole_sum(plan, classes)[(slice(None), *plan.output_box.slices)]
    for chunk in uncovered_chunks(plan):
        whole[(slice(None), *plan.chunk_box(chunk).within(plan.output_box.start).slices)] = np.nan
    return whole


@given(plans(longest=12, regions=True), st.integers(0, 2), st.integers(1, 40), st.randoms(use_true_random=False))
def test_bytes_depend_on_neither_order_nor_chunks_nor_budget_nor_tiles(
    plan: Plan, factor: int, tile: int, random: Random
) -> None:
    scratch = Scratch()
    order = list(np.ndindex(*plan.grid_shape))
    if factor:  # raster order else
        random.shuffle(order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_seamless.blend.tiles.TILE_VOXELS", tile)
        tile_cuts.cache_clear()
        try:
            budget = factor * under_one_patch(plan)
            whole, finished, most = assemble(plan, ChunkAccumulators(plan, scratch, budget=budget), order)
        finally:
            scratch.close()
            tile_cuts.cache_clear()
    assert sorted(finished) == sorted(set(np.ndindex(*plan.chunk_grid)) - set(uncovered_chunks(plan)))
    np.testing.assert_array_equal(whole, whole_output(plan))
    assert whole.tobytes() == whole_output(plan).tobytes()
    assert most <= max(budget, 2 * under_one_patch(plan))


@given(plans(longest=12), st.integers(0, 2**12 - 1))
def test_finished_chunks_are_skipped_and_the_others_are_not_changed_by_it(plan: Plan, mask: int) -> None:
    skip = {c for i, c in enumerate(np.ndindex(*plan.chunk_grid)) if mask >> (i % 12) & 1}
    sums = ChunkAccumulators(plan, Scratch(), budget=PLENTY, skip=skip)
    whole, order, _ = assemble(plan, sums)
    assert not skip & set(order)
    truth = whole_sum(plan)
    for chunk in order:
        place = (slice(None), *plan.chunk_box(chunk).slices)
        assert whole[place].tobytes() == truth[place].tobytes()
    assert sums.held_bytes == 0


def test_a_chunk_leaves_with_the_last_patch_that_touches_it() -> None:
    plan = make_plan((12, 12), 4, 0.5, chunk=5)
    sums = ChunkAccumulators(plan, Scratch(), budget=PLENTY)
    for index in np.ndindex(*plan.grid_shape):
        for chunk, _ in sums.add(output_of(plan, index), index):
            touching = plan.touching(plan.chunk_box(chunk))
            assert index == tuple(r[-1] for r in touching)
    assert sums.held_bytes == 0


def test_a_part_of_the_volume_ahead_of_its_turn_is_finished_without_the_rest() -> None:
    plan = make_plan((40, 12), 4, 0.5, chunk=8)
    sums = ChunkAccumulators(plan, Scratch(), budget=PLENTY)
    rows = plan.touching(plan.chunk_box((3, 0)))[0]
    ahead = [index for index in np.ndindex(*plan.grid_shape) if index[0] in rows]
    _, finished, _ = assemble(plan, sums, ahead)
    assert finished == [(3, 0), (3, 1)]
    _, finished, _ = assemble(plan, sums, (i for i in np.ndindex(*plan.grid_shape) if i[0] not in rows))
    assert len(finished) == math.prod(plan.chunk_grid) - 2
    assert sums.held_bytes == 0


def test_scratch_is_used_beyond_the_budget_and_removed(tmp_path: Path) -> None:
    plan = make_plan((24, 24), 8, 0.5, chunk=4)
    scratch = Scratch(tmp_path / "out.zarr")
    sums = ChunkAccumulators(plan, scratch, budget=0)
    written = 0
    for index in np.ndindex(*plan.grid_shape):
        list(sums.add(output_of(plan, index), index))
        written = max(written, len(list(tmp_path.rglob("*.f32"))))
    assert written > 2
    assert not list(tmp_path.rglob("*.f32"))
    scratch.close()
    assert not list(tmp_path.iterdir())


def test_close_removes_sums_that_nobody_took(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "out.zarr")
    plan = make_plan((4, 4), 4)
    scratch.save((0, 0), output_of(plan, (0, 0)))
    np.testing.assert_array_equal(loaded(scratch, (2, 4, 4)), output_of(plan, (0, 0)))
    scratch.save((0, 0), output_of(plan, (0, 0)))
    scratch.close()
    scratch.close()
    assert not list(tmp_path.iterdir())


def test_a_budget_that_holds_everything_touches_no_disk(tmp_path: Path) -> None:
    plan = make_plan((24, 24), 8, 0.5, chunk=4)
    assemble(plan, ChunkAccumulators(plan, Scratch(tmp_path / "out.zarr"), budget=PLENTY))
    assert not list(tmp_path.iterdir())


def loaded(scratch: Scratch, shape: tuple[int, ...]) -> torch.Tensor:
    values = torch.empty(shape)
    scratch.load_into((0, 0), values)
    return values


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["tempfile.mkdtemp", "write"])
def test_a_full_disk_is_told_in_a_sentence(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if call == "write":
        parent = Path("/dev/full")
        if not parent.exists():
            pytest.skip("this system has no device that is always full")
        monkeypatch.setattr(Scratch, "_path", lambda *_: parent)
    else:
        monkeypatch.setattr(call, lambda **_: full_disk())
    plan = make_plan((24, 24), 8, 0.5, chunk=4)
    sums = ChunkAccumulators(plan, Scratch(tmp_path / "out.zarr"), budget=0)
    with pytest.raises(StorageError, match=r"No space left on device.*raise the memory budget") as caught:
        assemble(plan, sums)
    assert "None" not in str(caught.value)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, other = Scratch(tmp_path / "out.zarr"), Scratch(tmp_path / "out2.zarr")
    for scratch in (left, other):
        scratch.save((0, 0), torch.zeros(1, 2))
    remove_stale(tmp_path / "out.zarr")
    assert len(list(tmp_path.iterdir())) == 1
    assert loaded(other, (1, 2)).shape == (1, 2)
    other.close()
