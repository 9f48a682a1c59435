"""Patches are those of a padded volume, and the matrix of their mapping is the convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.models.oss_net.weights import lattice, normal
from torch.nn import functional as F

from napari_seamless.errors import VolumeError
from napari_seamless.models.oss_net import gather_patches
from napari_seamless.models.oss_net.patch_mapping import PatchMapping
from napari_seamless.models.oss_net.patch_matrix import PatchMatrix, dense_matrix
from napari_seamless.models.oss_net.patches import pool_pairs, region_around
from napari_seamless.models.oss_net.tiles import tiles

POOLS = {"mean": F.avg_pool3d, "max": F.max_pool3d}


def published_patches(volume: torch.Tensor, coordinates: torch.Tensor, pooling: str | None) -> torch.Tensor:
    """Cut every patch out of the padded volume, one after the other."""
    local, large = F.pad(volume, (3,) * 6), F.pad(volume, (7, 6) * 3)
    patches = []
    for z, y, x in coordinates.tolist():
        patch = local[:, z : z + 7, y : y + 7, x : x + 7]
        if pooling:
            wide = large[:, z : z + 14, y : y + 14, x : x + 14]
            patch = torch.cat([patch, POOLS[pooling](wide, 2)])
        patches.append(patch)
    return torch.stack(patches)


@pytest.mark.parametrize("pooling", [None, "mean", "max"])
@pytest.mark.parametrize("shape", [(20, 17, 19), (3, 2, 1), (1, 1, 1), (40, 5, 9)])
@pytest.mark.parametrize("few", [False, True])
def test_patches_are_those_of_the_padded_volume(shape: tuple[int, ...], pooling: str | None, few: bool) -> None:
    volume = normal((2, *shape), 0)
    points = lattice(shape, 1)
    points = points[:: max(1, len(points) // 2)] if few else points[: 14**3]
    got = gather_patches(volume, points, pooling)
    torch.testing.assert_close(got, published_patches(volume, points, pooling), atol=1e-6, rtol=0)


def test_few_patches_far_apart_are_pooled_one_by_one() -> None:
    volume, points = normal((1, 40, 40, 40), 0), lattice((40, 40, 40), 3)
    assert region_around(volume, points, "max").pooled is not None
    assert region_around(volume, points[[0, -1]], "max").pooled is None
    assert region_around(volume, points).pooled is None


def test_no_coordinates_no_patches() -> None:
    assert gather_patches(normal((3, 5, 5, 5), 0), torch.zeros(0, 3, dtype=torch.long), "max").shape == (0, 6, 7, 7, 7)


def test_coordinates_far_beyond_the_volume_see_zeros() -> None:
    assert not gather_patches(torch.ones(1, 5, 5, 5), torch.tensor([[-90, 0, 0], [-90, 300, 2]]), "max").any()


class Lazy:
    """An array that notes what is read of it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.read = values, values.shape, []

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        self.read.append(tuple((part.start, part.stop) for part in key[1:]))
        return self.values[key]


def test_of_a_lazy_volume_only_the_box_is_read() -> None:
    volume = normal((1, 60, 60, 60), 0)
    lazy = Lazy(volume.numpy().astype(np.float64))
    points = torch.tensor([[30, 20, 2], [33, 21, 59]])
    assert torch.equal(gather_patches(lazy, points, "max"), gather_patches(volume, points, "max"))
    assert lazy.read == [((23, 40), (13, 28), (0, 60))]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_where_they_are_read(bad: float) -> None:
    volume = torch.zeros(1, 30, 9, 9)
    volume[0, 20, 4, 4] = bad
    gather_patches(volume, torch.tensor([[3, 4, 4]]), None)
    with pytest.raises(VolumeError, match="NaN or infinity between voxels"):
        gather_patches(volume, torch.tensor([[19, 4, 4]]), None)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_every_second_pooled_pair_is_the_pooled_volume(pooling: str) -> None:
    volume = normal((2, 8, 10, 12), 3)
    torch.testing.assert_close(pool_pairs(volume, pooling)[:, ::2, ::2, ::2], POOLS[pooling](volume[None], 2)[0])


def test_the_dense_matrix_is_the_convolution() -> None:
    kernel, patches = normal((3, 2, 7, 7, 7), 0), normal((4, 2, 7, 7, 7), 1)
    matrix = dense_matrix(kernel)
    product = torch.einsum("nzcyx,zcyxZCYX->nCZYX", patches.transpose(1, 2), matrix)
    torch.testing.assert_close(product, F.conv3d(patches, kernel, padding=3), atol=1e-4, rtol=1e-5)
    assert (matrix != 0).float().mean() == pytest.approx((37 / 49) ** 3)


@pytest.mark.parametrize("share", [True, False, None])
@pytest.mark.parametrize("spacing", [1, 3])
@pytest.mark.parametrize(("channels", "pooling"), [(1, None), (3, None), (1, "max"), (4, "mean")])
@torch.no_grad()
def test_the_matrix_of_a_mapping_equals_the_mapping(
    channels: int, pooling: str | None, spacing: int, share: bool | None
) -> None:
    torch.manual_seed(0)
    mapping = PatchMapping(channels * (2 if pooling else 1))
    volume, points = normal((channels, 9, 8, 11), 0), lattice((9, 8, 11), spacing)
    region = region_around(volume, points, pooling)
    got = PatchMatrix(mapping, 2 if pooling else 1)(region, points, share=share)
    torch.testing.assert_close(got, mapping(gather_patches(volume, points, pooling)), atol=1e-5, rtol=0)


@torch.no_grad()
def test_planes_are_summed_alike_with_and_without_the_compiled_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = PatchMapping(4).double()
    volume, points = normal((2, 9, 8, 11), 0), lattice((9, 8, 11), 2)
    region = region_around(volume, points, "max")
    single = PatchMatrix(mapping.float(), 2)(region, points, share=True)
    wide = type(region)(
        voxels=region.voxels.double(), low=region.low, pooling=region.pooling, pooled=region.pooled.double()
    )
    double = PatchMatrix(mapping.double(), 2)(wide, points, share=True)
    torch.testing.assert_close(single.double(), double, atol=1e-5, rtol=0)


@given(st.lists(st.tuples(*[st.integers(-40, 40)] * 3), max_size=60), st.integers(1, 20))
def test_tiles_share_out_coordinates(points: list[tuple[int, int, int]], edge: int) -> None:
    voxels = torch.tensor(points, dtype=torch.long).reshape(-1, 3)
    parts = list(tiles(voxels, edge))
    assert sorted(i for part in parts for i in part.tolist()) == list(range(len(points)))
    numbers = [
        tuple(torch.div(voxels[part], edge, rounding_mode="floor").unique(dim=0).flatten().tolist()) for part in parts
    ]
    assert all(len(number) == 3 for number in numbers)
    assert len(set(numbers)) == len(numbers)
