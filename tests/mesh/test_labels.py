"""Surfaces of labels as they come from voxels: closed, manifold, one part for each object and each cavity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mesh.truth import assert_manifold, parts, random_labels, shells, surfaces_of, to_trimesh

from napari_seamless.errors import VolumeError
from napari_seamless.mesh import Grid
from napari_seamless.mesh.sheets import edge, sheet_table

DENSITIES = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98, 1.0)


def assert_right(labels: np.ndarray) -> None:
    found = surfaces_of(labels)
    assert sorted(found) == np.unique(labels[labels > 0]).tolist()
    for label, (vertices, triangles) in found.items():
        assert_manifold(vertices, triangles)
        inside = labels == label
        volumes = shells(vertices, triangles)
        assert ((volumes > 0).sum(), (volumes < 0).sum()) == parts(inside)
        assert to_trimesh(vertices, triangles).volume > 0
        if np.all(vertices % 1 == 0.5):  # no cube with several sheets: nothing was moved
            assert volumes.sum() == pytest.approx(inside.sum(), rel=1e-12)


@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    density=st.sampled_from(DENSITIES),
    most=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_any_labels_have_closed_manifold_surfaces(shape, density, most, seed):
    labels = random_labels(shape, density, most, seed)
    if labels.any():
        assert_right(labels)


@pytest.mark.parametrize("density", DENSITIES)
def test_labels_without_structure_have_closed_manifold_surfaces(density):
    assert_right(random_labels((20, 21, 22), density, 2, seed=7))


def test_every_set_of_corners_has_a_closed_manifold_surface():
    sets = (np.arange(1, 256)[:, None] >> np.arange(8) & 1).astype(np.uint8).reshape(-1, 2, 2, 2)
    apart = np.pad(sets, ((0, 0), (1, 1), (1, 1), (1, 1)))
    for inside in apart:
        assert_right(inside)
        assert_right(1 - inside)  # the complement, which fills the volume but for a cavity
    assert_right(np.concatenate(list(apart)))


def test_sets_of_corners_beside_each_other_have_closed_manifold_surfaces():
    # Every filling of 3 x 2 x 2 voxels, which are two cubes with a face in common, all in one volume.
    numbers = np.arange(1, 4096)[:, None]
    fillings = (numbers >> np.arange(12) & 1).astype(np.uint8).reshape(-1, 3, 2, 2)
    assert_right(np.concatenate(list(np.pad(fillings, ((0, 0), (1, 1), (1, 1), (1, 1))))))


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.5, 0.7)])
def test_a_box_is_exact(axes, spacing):
    labels = np.zeros(np.array((9, 8, 7))[list(axes)], np.uint8)
    size = np.array((5, 4, 3))[list(axes)]
    labels[tuple(slice(1, 1 + n) for n in size)] = 200
    vertices, triangles = surfaces_of(labels, spacing, (10.0, 20.0, 30.0))[200]
    a, b, c = size * spacing
    mesh = to_trimesh(vertices, triangles)
    assert mesh.volume == pytest.approx(a * b * c, rel=1e-12)
    assert mesh.area == pytest.approx(2 * (a * b + b * c + c * a), rel=1e-12)
    low = np.array((10, 20, 30)) + 0.5 * np.array(spacing)
    np.testing.assert_allclose(mesh.bounds, [low, low + size * spacing], rtol=1e-12)


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1, 1), (2, 2, 2), (0, 1, 2)])
def test_a_voxel_is_a_cube(place):
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[place] = 1
    vertices, triangles = surfaces_of(labels)[1]
    mesh = to_trimesh(vertices, triangles)
    assert (len(vertices), len(triangles)) == (8, 12)
    assert (mesh.volume, mesh.area) == (1.0, 6.0)
    np.testing.assert_array_equal(mesh.bounds, [np.array(place) - 0.5, np.array(place) + 0.5])


def test_voxels_that_touch_by_an_edge_or_a_corner_are_apart():
    for second in ((1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)):
        labels = np.zeros((2, 2, 2), np.uint8)
        labels[0, 0, 0] = labels[second] = 1
        vertices, triangles = surfaces_of(labels)[1]
        assert len(shells(vertices, triangles)) == 2
        assert len(vertices) == 16


def test_labels_side_by_side_have_the_same_wall():
    labels = np.ones((4, 4, 4), np.uint8)
    labels[2:] = 2
    walls = [{tuple(v) for v in vertices if v[0] == 1.5} for vertices, _ in surfaces_of(labels).values()]
    assert walls[0] == walls[1]
    assert len(walls[0]) == 25


def test_the_table_names_one_sheet_for_each_group_of_edges():
    table = sheet_table()
    assert table.shape == (256, 12)
    assert (table[[0, 255]] == 0).all()
    assert table.max() == 4
    corners = [1 << (4 * z + 2 * y + x) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    assert (table[corners] == 0).all()  # one corner: one sheet
    four_apart = sum(1 << (4 * z + 2 * y + x) for z, y, x in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)))
    assert sorted(np.bincount(table[four_apart])) == [0, 3, 3, 3, 3]
    assert [edge(axis, 1, 0) for axis in range(3)] == [2, 6, 10]


def test_a_grid_says_what_is_at_its_border_and_how_large_it_may_be():
    grid = Grid((3, 4, 5))
    assert grid.index((-1, -1, -1)) == 0
    assert grid.index((3, 4, 5)) == 5 * 6 * 7 - 1
    with pytest.raises(VolumeError, match=r"2\^44 voxels, got 100000 x 100000 x 100000"):
        Grid((100_000, 100_000, 100_000))
