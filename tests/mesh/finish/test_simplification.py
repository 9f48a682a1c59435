"""Simplification: closed, of the same topology, and no farther away than it says."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes
from tests.mesh.finish.shapes import from_trimesh, sphere, to_trimesh, together, torus, voxel_faces

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.finish import connected_components, measure, simplify, smooth, split
from napari_seamless.mesh.finish.deviation_kernels import square_to_triangle
from napari_seamless.types import Surface


def blobs(seed=0, size=40, sigma=3.0) -> Surface:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(size,) * 3), sigma, mode="wrap")
    corners, triangles, _, _ = marching_cubes(np.pad(noise / noise.std(), 1, constant_values=-1.0), 0.4)
    return Surface(vertices=corners.astype(float), triangles=np.ascontiguousarray(triangles[:, ::-1], np.int32))


def farthest(original: Surface, result: Surface) -> float:
    """Largest distance of a vertex of the original to any triangle of the result, one by one."""
    _, distances, _ = trimesh.proximity.closest_point_naive(to_trimesh(result), original.vertices)
    return float(distances.max())


def same_topology(one: Surface, other: Surface) -> bool:
    return sorted(measure(part).euler for part in split(one)) == sorted(measure(part).euler for part in split(other))


@pytest.mark.parametrize("share", [2, 10, 40])
@pytest.mark.parametrize("surface", [smooth(voxel_faces(torus())), smooth(voxel_faces(sphere())), blobs()])
def test_the_number_is_met_and_the_surface_stays_closed(surface, share):
    target = len(surface.triangles) // share
    result = simplify(surface, target)
    assert target - 2 < len(result.triangles) <= target or share == 40
    assert to_trimesh(result).is_watertight
    assert to_trimesh(result).is_winding_consistent
    assert same_topology(surface, result)
    assert measure(result).volume == pytest.approx(measure(surface).volume, rel=0.002 * share)


@pytest.mark.parametrize("surface", [smooth(voxel_faces(torus(ring=8, tube=4))), blobs(size=20)])
def test_the_error_is_the_distance(surface):
    result = simplify(surface, len(surface.triangles) // 20)
    assert result.error == pytest.approx(farthest(surface, result))


@pytest.mark.parametrize("largest", [0.02, 0.1, 0.5, 2.0])
def test_the_largest_error_is_kept(largest):
    surface = smooth(voxel_faces(torus(ring=6, tube=3)))
    result = simplify(surface, max_error=largest)
    assert result.error <= largest
    assert farthest(surface, result) <= largest
    assert len(result.triangles) < len(surface.triangles)
    assert to_trimesh(result).is_watertight


def test_what_ends_first_counts():
    surface = smooth(voxel_faces(sphere()))
    assert len(simplify(surface, 2000, max_error=1.0).triangles) == 2000
    assert len(simplify(surface, 10, max_error=0.1).triangles) > 1000


def test_flat_sides_need_few_triangles_and_no_error():
    result = simplify(voxel_faces(np.ones((9, 7, 5), bool)), max_error=1e-3)
    assert len(result.triangles) <= 14
    assert measure(result).volume == pytest.approx(9 * 7 * 5, rel=1e-3)
    assert measure(result).area == pytest.approx(2 * (63 + 45 + 35), rel=1e-3)


def test_impossible_numbers_give_the_fewest_closed():
    surface = together(smooth(voxel_faces(torus())), smooth(voxel_faces(np.ones((3, 3, 3), bool))))
    result = simplify(surface, 0)
    assert measure(result).watertight
    assert same_topology(surface, result)
    assert len(result.triangles) < 100


def test_far_from_the_origin_in_small_units():
    surface = smooth(voxel_faces(sphere(radius=8, extent=20)))
    far = Surface(vertices=surface.vertices * 1e-4 + 100, triangles=surface.triangles)
    near, away = simplify(surface, 200), simplify(far, 200)
    assert len(near.triangles) == len(away.triangles) == 200
    assert away.error == pytest.approx(near.error * 1e-4, rel=0.3)


def test_values_are_those_of_the_vertices_that_are_left():
    surface = smooth(voxel_faces(sphere()))
    marked = Surface(
        vertices=surface.vertices,
        triangles=surface.triangles,
        values={"depth": surface.vertices[:, 0].astype("f4")},
        name="cell",
        error=0.5,
    )
    result = simplify(marked, 2000)
    assert result.name == "cell"
    assert result.error > 0.5
    assert result.values["depth"].shape == (len(result.vertices),)
    assert np.abs(result.values["depth"] - result.vertices[:, 0]).max() < 2


@given(st.integers(0, 2**32 - 1), st.integers(0, 300))
def test_labels_of_any_shape_stay_closed(seed, target):
    rng = np.random.default_rng(seed)
    stairs = voxel_faces(np.repeat(np.repeat(rng.random((3, 3, 3)) < 0.4, 2, axis=0), 2, axis=2))
    manifold = measure(stairs).watertight
    result = simplify(smooth(stairs), target) if len(stairs.triangles) else stairs
    assert measure(result).watertight or not manifold
    if manifold:
        assert measure(result).euler == measure(stairs).euler
        assert connected_components(result).max(initial=-1) == connected_components(stairs).max(initial=-1)


@given(st.integers(0, 2**32 - 1))
def test_distances_to_a_triangle(seed):
    point, a, b, c = np.random.default_rng(seed).normal(size=(4, 3))
    expected = np.linalg.norm(trimesh.triangles.closest_point([[a, b, c]], [point])[0] - point)
    assert np.sqrt(square_to_triangle(point, a, b, c)) == pytest.approx(expected, abs=1e-9)


def test_the_same_bytes_again():
    surface = blobs(seed=3)
    first, second = simplify(surface, 500), simplify(surface, 500)
    assert first.vertices.tobytes() == second.vertices.tobytes()
    assert first.triangles.tobytes() == second.triangles.tobytes()


def test_nothing_to_do_returns_the_surface():
    surface = from_trimesh(trimesh.creation.icosphere(1))
    assert simplify(surface, 100) is surface
    assert simplify(surface, max_error=0) is surface
    empty = Surface(vertices=np.zeros((0, 3)), triangles=np.zeros((0, 3), np.int32))
    assert simplify(empty, 10) is empty


@pytest.mark.parametrize("ends", [{}, {"triangles": -1}, {"max_error": -1.0}, {"max_error": np.nan}])
def test_ends_out_of_range_are_refused(ends):
    with pytest.raises(SettingsError, match=r"triangles|max_error"):
        simplify(from_trimesh(trimesh.creation.icosphere(1)), **ends)


@pytest.mark.parametrize("largest", [0.1, 0.4])
def test_thorns_and_flat_sides_keep_the_error_small(largest):
    surface = blobs(seed=5)
    result = simplify(surface, max_error=largest)
    assert len(result.triangles) < len(surface.triangles) / 2
    assert result.error <= largest
    assert to_trimesh(result).is_watertight
    assert same_topology(surface, result)
