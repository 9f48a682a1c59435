"""Flips: equal to no flips for a network that commutes with them, and to the mean by hand for one that does not."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from napari_seamless.engine.flips import flipped_axes, mean_over_flips, n_passes
from napari_seamless.errors import SettingsError

ZYX = ("z", "y", "x")


def lopsided() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 3, 3, padding=1), nn.Softmax(1)).eval()


def symmetric() -> nn.Module:
    """Return the same network with kernels that equal their mirror images."""
    network = lopsided()
    for weight in network.parameters():
        if weight.ndim == 5:
            for dim in (2, 3, 4):
                weight.data = (weight.data + weight.data.flip(dim)) / 2
    return network


@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 1, 2)])
def test_a_network_that_commutes_with_flips_is_not_changed_by_them(axes: tuple[int, ...]) -> None:
    network, voxels = symmetric(), torch.rand(2, 2, 6, 7, 8)
    with torch.inference_mode():
        flipped = mean_over_flips(network, voxels, axes)
        torch.testing.assert_close(flipped, network(voxels), atol=2e-6, rtol=0)
        assert not torch.allclose(mean_over_flips(lopsided(), voxels, axes), lopsided()(voxels), atol=1e-3)


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 2), (0, 1, 2)])
def test_the_mean_is_that_of_every_combination_evaluated_by_hand(axes: tuple[int, ...]) -> None:
    network, voxels = lopsided(), torch.rand(1, 2, 5, 6, 7)
    outputs = []
    with torch.inference_mode():
        for on in itertools.product([False, True], repeat=len(axes)):
            dims = [axis + 2 for axis, used in zip(axes, on, strict=True) if used]
            outputs.append(torch.flip(network(torch.flip(voxels, dims)), dims).double())
        mean = torch.stack(outputs).mean(0)
        torch.testing.assert_close(mean_over_flips(network, voxels, axes).double(), mean, atol=1e-6, rtol=0)


def test_each_patch_takes_as_many_passes_as_are_counted() -> None:
    seen: list[torch.Tensor] = []

    def network(batch: torch.Tensor) -> torch.Tensor:
        seen.append(batch.clone())
        return batch

    voxels = torch.rand(1, 1, 2, 3, 4)
    mean = mean_over_flips(network, voxels.clone(), flipped_axes(True, ZYX))
    assert len(seen) == n_passes(True, ZYX) == 8
    assert len({tuple(batch.flatten().tolist()) for batch in seen}) == 8
    torch.testing.assert_close(mean, voxels)


def test_a_network_that_returns_its_input_does_not_lose_it() -> None:
    voxels = torch.rand(1, 1, 4, 4)
    before = voxels.clone()
    mean_over_flips(lambda batch: batch, voxels, (0, 1))
    assert torch.equal(voxels, before)


@pytest.mark.parametrize(
    ("flips", "axes", "n"), [(False, (), 1), (True, (0, 1, 2), 8), (("x", "z"), (0, 2), 4), ((), (), 1)]
)
def test_axes_by_name(flips: bool | tuple[str, ...], axes: tuple[int, ...], n: int) -> None:
    assert flipped_axes(flips, ZYX) == axes
    assert n_passes(flips, ZYX) == n


def test_an_unknown_axis_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(SettingsError, match=r"spatial axes of the volume \(z, y, x\), got c; "):
        flipped_axes(("z", "c"), ZYX)
