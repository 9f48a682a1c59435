"""Measures: those of trimesh, and of shapes with a formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from tests.mesh.finish.shapes import from_trimesh, to_trimesh, together, turned, voxel_faces

from napari_seamless.mesh.finish import measure, vertex_normals
from napari_seamless.types import Surface


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 0.9]), st.booleans())
def test_measures_are_those_of_trimesh(seed, share, broken):
    rng = np.random.default_rng(seed)
    surface = voxel_faces(rng.random((3, 4, 5)) < share, (2.0, 0.5, 1.0))
    if broken:
        keep = rng.random(len(surface.triangles)) < 0.8
        surface = Surface(vertices=surface.vertices, triangles=surface.triangles[keep])
    if not len(surface.triangles):
        return
    found, peer = measure(surface), to_trimesh(surface)
    used = np.unique(surface.triangles)
    assert found.triangles == len(peer.faces)
    assert found.vertices == len(used)
    assert found.area == pytest.approx(peer.area)
    assert found.euler == len(used) - len(peer.edges_unique) + len(peer.faces)
    edges = {tuple(edge) for edge in peer.edges.tolist()}
    closed = len(edges) == len(peer.edges) and all(edge[::-1] in edges for edge in edges)
    assert found.watertight == closed
    if closed:
        assert found.volume == pytest.approx(peer.volume)
        np.testing.assert_allclose(found.centroid, peer.center_mass, atol=1e-9)
    corners = surface.vertices[used]
    np.testing.assert_allclose(found.bounds, [corners.min(axis=0), corners.max(axis=0)])


def test_a_torus_far_away():
    mesh = trimesh.creation.torus(18, 8, major_sections=200, minor_sections=100)
    mesh.apply_translation((1e6, -1e6, 0))
    found = measure(from_trimesh(mesh))
    assert found.euler == 0
    assert found.components == 1
    assert found.watertight
    assert found.volume == pytest.approx(2 * math.pi**2 * 18 * 64, rel=2e-3)
    assert found.area == pytest.approx(4 * math.pi**2 * 18 * 8, rel=2e-3)
    np.testing.assert_allclose(found.centroid, (1e6, -1e6, 0), atol=1e-6)


def test_cavities_are_taken_off_and_inside_out_is_negative():
    outer, inner = (from_trimesh(trimesh.creation.box((size,) * 3)) for size in (4, 2))
    assert measure(together(outer, turned(inner))).volume == pytest.approx(64 - 8)
    assert measure(together(outer, turned(inner))).components == 2
    assert measure(turned(outer)).volume == pytest.approx(-64)


def test_nothing_measures_nothing():
    found = measure(Surface(vertices=np.zeros((0, 3)), triangles=np.zeros((0, 3), np.int32)))
    assert (found.triangles, found.components, found.volume, found.watertight) == (0, 0, 0.0, False)
    assert np.isnan(found.bounds).all()


def test_normals_of_a_sphere_point_outwards():
    mesh = trimesh.creation.icosphere(3, 5.0)
    mesh.apply_translation((100, 200, 300))
    found = vertex_normals(from_trimesh(mesh))
    expected = (mesh.vertices - (100, 200, 300)) / 5
    np.testing.assert_allclose(found, expected, atol=6e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)


def test_normals_at_the_corners_of_a_box_are_the_same_however_it_is_cut():
    mesh = trimesh.creation.box((2, 2, 2))
    np.testing.assert_allclose(vertex_normals(from_trimesh(mesh)), mesh.vertices / np.sqrt(3), atol=1e-12)


def test_a_vertex_without_triangles_has_no_normal():
    found = vertex_normals(Surface(vertices=np.eye(4, 3), triangles=np.array([[0, 1, 2]], np.int32)))
    assert found[3].tolist() == [0, 0, 0]
    assert len(vertex_normals(Surface(vertices=np.eye(3), triangles=np.zeros((0, 3), np.int32)))) == 3
