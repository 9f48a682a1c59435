"""From coarse to fine: what is asked, what is found, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from tests.models.oss_net.weights import normal, small, volume

from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models.oss_net import Stages, segment_in_stages
from napari_seamless.models.oss_net.dense import dilate, points_above


class Ball:
    """A ball that notes which voxels were asked."""

    def __init__(self, centre: tuple[float, ...], radius: float) -> None:
        self.centre, self.radius, self.asked = torch.tensor(centre), radius, []

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        self.asked += [tuple(point) for point in points.tolist()]
        return ((points - self.centre).square().sum(1) < self.radius**2).float()


@pytest.mark.parametrize("spacings", [(4, 2, 1), (8, 4, 2, 1), (4, 1), (6, 3, 1), (2, 1), (1,)])
def test_a_ball_is_found_whole_and_no_voxel_is_asked_twice(spacings: tuple[int, ...]) -> None:
    shape, ball = (41, 38, 35), Ball((20.0, 18.0, 17.0), 13.5)
    *_, (_, grid) = segment_in_stages(ball, shape, Stages(spacings=spacings))
    everything = torch.ones(shape).nonzero()
    asked = len(ball.asked)
    assert len(set(ball.asked)) == asked
    assert torch.equal(grid.flatten(), ball(everything) > 0.5)
    assert (asked < grid.numel()) is (len(spacings) > 1)


def test_stages_yield_their_own_lattice() -> None:
    ball = Ball((16.0, 16.0, 16.0), 9.0)
    for spacing, grid in segment_in_stages(ball, (33, 33, 33), Stages()):
        coarse = grid[::spacing, ::spacing, ::spacing]
        assert coarse.sum() == grid.sum()
        centres = torch.ones(coarse.shape).nonzero() * spacing
        assert torch.equal(coarse.flatten(), ball(centres) > 0.5)


def test_the_first_stage_asks_where_it_is_told() -> None:
    ball = Ball((16.0, 16.0, 16.0), 9.0)
    first = torch.zeros(9, 9, 9, dtype=torch.bool)
    first[4, 4, 4] = True
    next(segment_in_stages(ball, (33, 33, 33), Stages(), first))
    assert ball.asked == [(16, 16, 16)]


@given(st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 5), st.integers(0, 1000))
def test_dilation_is_by_a_cube(shape: tuple[int, int, int], reach: int, seed: int) -> None:
    grid = normal(shape, seed) > 1.5
    expected = ndimage.binary_dilation(grid.numpy(), np.ones((2 * reach + 1,) * 3))
    assert (dilate(grid, reach).numpy() == expected).all()


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ({"spacings": (4, 2)}, "fall to 1 by division"),
        ({"spacings": (4, 3, 1)}, "fall to 1 by division"),
        ({"spacings": ()}, "fall to 1 by division"),
        ({"spacings": (1, 1)}, "fall to 1 by division"),
        ({"spacings": (4, 0)}, "fall to 1 by division"),
        ({"threshold": 1.5}, "threshold must lie in 0 to 1"),
    ],
)
def test_stages_that_leave_voxels_out_are_refused(stages: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Stages(**stages)


def test_a_head_is_upsampled_with_its_corners_on_the_lattice() -> None:
    head = torch.zeros(1, 1, 2, 2, 2)
    head[..., 1, 1, 1] = 1
    above = points_above(head, (17, 17, 17), 4, 0.99)
    assert above.nonzero().tolist() == [[4, 4, 4]]
    assert points_above(head, (0, 17, 17), 4, 0.5).shape == (0, 5, 5)


def test_a_threshold_that_nothing_exceeds_finds_nothing() -> None:
    network, _ = small("oss_net_full2_lits")
    low = volume(1, network.settings.encoder_size, 3)
    grid = network.segment(low, volume(1, (9, 8, 7), 1), threshold=1.0)
    assert grid.shape == (9, 8, 7)
    assert grid.dtype == torch.bool
    assert not grid.any()
    assert network.segment(low, volume(1, (9, 8, 7), 1), threshold=0.0).all()
    assert not network.segment(low, volume(1, (9, 8, 7), 1), threshold=0.0, low_resolution_threshold=1.0).any()


def test_an_empty_volume_has_an_empty_grid() -> None:
    network, _ = small("oss_net_full2_lits")
    low = volume(1, network.settings.encoder_size, 3)
    for options in ({}, {"low_resolution_threshold": 0.5}):
        assert network.segment(low, torch.zeros(1, 0, 8, 7), **options).shape == (0, 8, 7)


def test_the_network_yields_stages() -> None:
    network, _ = small("oss_net_full2_lits")
    low, voxels = volume(1, network.settings.encoder_size, 3), volume(1, (12, 9, 9), 1)
    stages = Stages(spacings=(2, 1), threshold=0.3)
    seen = [(spacing, grid.clone()) for spacing, grid in network.segment_in_stages(low, voxels, stages)]
    assert [spacing for spacing, _ in seen] == [2, 1]
    assert torch.equal(seen[-1][1], network.segment(low, voxels, (2, 1), 0.3))


def test_a_low_resolution_threshold_needs_a_head() -> None:
    network, _ = small("oss_net_E2_lits")
    low = volume(1, network.settings.encoder_size, 3)
    with pytest.raises(ModelError, match="needs a head, which custom lacks"):
        network.segment(low, volume(1, (9, 8, 7), 1), low_resolution_threshold=0.5)
