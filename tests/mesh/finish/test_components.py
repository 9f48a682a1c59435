"""Components: as many as SciPy counts, volumes of nested spheres, cavities and what floats in them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as peer
from tests.mesh.finish.shapes import from_trimesh, together, turned, voxel_faces

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.finish import (
    component_volumes,
    connected_components,
    drop_small,
    fill_cavities,
    measure,
    split,
)
from napari_seamless.types import Surface


def ball(radius: float, at=(0.0, 0.0, 0.0)) -> Surface:
    mesh = trimesh.creation.icosphere(3, radius)
    mesh.apply_translation(at)
    return from_trimesh(mesh)


def hollow() -> Surface:
    """A shell of radii 10 and 8, in its cavity a shell of radii 6 and 4, and a ball of radius 1 beside them."""
    return together(ball(10), turned(ball(8)), ball(6), turned(ball(4)), ball(1, (0, 20, 0)))


def volume_of(*radii: float) -> float:
    return sum(math.copysign(4 / 3 * math.pi * abs(r) ** 3, r) for r in radii)


@given(st.integers(0, 2**32 - 1))
def test_components_are_scipys(seed):
    surface = voxel_faces(np.random.default_rng(seed).random((4, 4, 4)) < 0.2)
    n, t = len(surface.vertices), surface.triangles
    count, labels = peer(coo_array((np.ones(3 * len(t)), (t.ravel(), np.roll(t, 1, axis=1).ravel())), shape=(n, n)))
    found = connected_components(surface)
    assert len(np.unique(found)) == count
    np.testing.assert_array_equal(found, labels[t[:, 0]])


def test_volumes_are_those_of_spheres():
    surface = hollow()
    found = component_volumes(surface, connected_components(surface))
    np.testing.assert_allclose(found, [volume_of(r) for r in (10, -8, 6, -4, 1)], rtol=0.02)


def test_small_components_go():
    surface = hollow()
    assert measure(drop_small(surface, min_volume=volume_of(2))).components == 4
    assert measure(drop_small(surface, min_triangles=1)).components == 5
    assert len(drop_small(surface, min_volume=1e9).triangles) == 0
    assert drop_small(surface) is surface


def test_a_small_cavity_is_filled_by_dropping_it():
    surface = together(ball(10), turned(ball(1, (0, 0, 5))))
    assert measure(drop_small(surface, min_volume=10)).volume == pytest.approx(volume_of(10), rel=0.02)


def test_a_cavity_goes_with_the_component_around_it():
    few = from_trimesh(trimesh.creation.icosphere(1, 10))
    surface = together(few, turned(ball(8)), ball(3, (0, 0, 50)))
    left = drop_small(surface, min_triangles=200, min_volume=1)
    assert measure(left).volume == pytest.approx(volume_of(3), rel=0.02)


def test_filled_cavities_take_what_floats_in_them():
    filled = fill_cavities(hollow())
    assert measure(filled).components == 2
    assert measure(filled).volume == pytest.approx(volume_of(10, 1), rel=0.02)
    solid = ball(1)
    assert fill_cavities(solid) is solid


def test_split_and_join_again():
    surface = hollow()
    valued = Surface(
        vertices=surface.vertices,
        triangles=surface.triangles,
        label=7,
        values={"y": surface.vertices[:, 1].astype("f4")},
    )
    parts = split(valued)
    assert [part.label for part in parts] == [7] * 5
    for part in parts:
        np.testing.assert_array_equal(part.values["y"], part.vertices[:, 1].astype("f4"))
    assert sum(measure(part).volume for part in parts) == pytest.approx(measure(surface).volume)
    np.testing.assert_array_equal(together(*parts).triangles, surface.triangles)


def test_nothing_has_no_components():
    empty = Surface(vertices=np.zeros((0, 3)), triangles=np.zeros((0, 3), np.int32))
    assert split(empty) == []
    assert len(connected_components(empty)) == 0
    assert fill_cavities(empty) is empty
    assert drop_small(empty, 1.0) is empty


def test_negative_bounds_are_refused():
    with pytest.raises(SettingsError, match="min_volume"):
        drop_small(ball(1), min_volume=-1)
