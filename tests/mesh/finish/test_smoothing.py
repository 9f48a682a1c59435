"""Smoothing: analytic volume and area of what was labelled, and nothing thin is lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mesh.finish.shapes import box, sphere, torus, voxel_faces

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.finish import measure, smooth

TRUTH = {
    "sphere": (sphere, 4 / 3 * math.pi * 20**3, 4 * math.pi * 20**2),
    "torus": (torus, 2 * math.pi**2 * 18 * 8**2, 4 * math.pi**2 * 18 * 8),
    "box": (box, 40 * 30 * 20, 2 * (40 * 30 + 40 * 20 + 30 * 20)),
}


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 1.0, 2.5)])
@pytest.mark.parametrize("name", TRUTH)
def test_volume_and_area_are_those_of_the_object(name, spacing):
    labelled, volume, area = TRUTH[name]
    stairs = voxel_faces(labelled(spacing), spacing)
    found = measure(smooth(stairs, spacing=spacing))
    assert abs(found.volume / volume - 1) < 0.02
    assert abs(found.area / area - 1) < 0.045
    assert abs(found.volume / measure(stairs).volume - 1) < 0.002
    assert found.watertight


def test_the_surface_of_a_sphere_gets_smooth():
    stairs = voxel_faces(sphere())
    before, after = (
        np.linalg.norm(surface.vertices - 32, axis=1).std() for surface in (stairs, smooth(stairs, pass_band=0.1))
    )
    assert after < before / 4


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (1, 9, 9), (2, 2, 2), (2, 2, 9)])
def test_thin_parts_keep_their_volume(shape):
    found = measure(smooth(voxel_faces(np.ones(shape, bool))))
    assert found.volume > 0.9 * np.prod(shape)
    assert found.watertight


def test_nothing_leaves_its_box():
    spacing = (3.0, 1.0, 0.5)
    stairs = voxel_faces(np.random.default_rng(0).random((6, 6, 6)) < 0.5, spacing)
    for limit in (0.1, 1.0):
        moved = np.abs(smooth(stairs, spacing=spacing, limit=limit).vertices - stairs.vertices) / spacing
        assert moved.max() <= limit + 1e-9
    free = np.abs(smooth(stairs, spacing=spacing, limit=None).vertices - stairs.vertices) / spacing
    assert free.max() > 0.3


@given(st.tuples(*[st.floats(0.1, 10)] * 3), st.tuples(*[st.floats(-1e4, 1e4)] * 3))
def test_neither_units_nor_the_place_matter(spacing, origin):
    inside = np.random.default_rng(1).random((5, 5, 5)) < 0.5
    one, other = voxel_faces(inside), voxel_faces(inside, spacing)
    moved = smooth(type(other)(vertices=other.vertices + origin, triangles=other.triangles), spacing=spacing)
    np.testing.assert_allclose((moved.vertices - origin) / spacing, smooth(one).vertices, atol=1e-6)


def test_nothing_to_do_returns_the_surface():
    stairs = voxel_faces(np.ones((1, 1, 1), bool))
    assert smooth(stairs, iterations=0) is stairs
    assert smooth(stairs, limit=0) is stairs


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"spacing": (1, 0, 1)}, "spacing"),
        ({"spacing": (1, 1)}, "spacing"),
        ({"iterations": -1}, "iterations"),
        ({"pass_band": 0}, "pass_band"),
        ({"limit": -1}, "limit"),
        ({"limit": math.nan}, "limit"),
    ],
)
def test_settings_out_of_range_are_refused(settings, named):
    with pytest.raises(SettingsError, match=named):
        smooth(voxel_faces(np.ones((1, 1, 1), bool)), **settings)
