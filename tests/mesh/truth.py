"""What any surface is held against: its edges, its fans, its parts, counted without the code under test."""

from __future__ import annotations

import numpy as np
import trimesh
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_seamless.mesh import Grid, label_faces, weld

FACES, EDGES = ndimage.generate_binary_structure(3, 1), ndimage.generate_binary_structure(3, 2)
ONE, NOWHERE = np.ones(3), np.zeros(3)


def surfaces_of(labels: np.ndarray, spacing=ONE, translation=NOWHERE) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Vertices and triangles of each label, made of the whole volume at once."""
    grid = Grid(labels.shape)
    faces = label_faces(np.pad(labels, ((3, 2),) * 3), grid, (-1, -1, -1))
    spans = zip(faces.labels.tolist(), faces.starts[:-1], faces.starts[1:], strict=True)
    return {n: weld(faces.keys[a:b], None, grid, np.array(spacing), np.array(translation)) for n, a, b in spans}


def assert_manifold(vertices: np.ndarray, triangles: np.ndarray) -> None:
    """Check that a surface is closed, that every vertex has one fan and a place of its own, every triangle an area."""
    n = len(vertices)
    assert np.array_equal(np.unique(triangles), np.arange(n))
    ahead = triangles.astype(np.int64)
    tails, heads = ahead.ravel(), np.roll(ahead, -1, axis=1).ravel()
    there, back = tails * n + heads, heads * n + tails
    order, opposite = np.argsort(there), np.argsort(back)
    assert np.diff(there[order]).min() > 0  # each directed edge once
    assert np.array_equal(there[order], back[opposite])  # and its opposite once
    # Corner 3 t + k is that of vertex triangles[t, k]; corners of a vertex on both sides of an edge are neighbours.
    following = np.arange(3 * len(ahead)).reshape(-1, 3)
    following = np.roll(following, -1, axis=1).ravel()
    pairs = np.stack([order, following[opposite]])
    corners = 3 * len(ahead)
    fans, _ = connected_components(coo_array((np.ones(corners), pairs), (corners, corners)), directed=False)
    assert fans == n
    assert len(np.unique(vertices.round(9), axis=0)) == n
    assert to_trimesh(vertices, triangles).area_faces.min() > 1e-6


def shells(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The volume that each connected part of a surface encloses: below 0 for the wall of a cavity."""
    ends = np.stack([triangles[:, [0, 1]].ravel(), triangles[:, [1, 2]].ravel()])
    n = len(vertices)
    count, of = connected_components(coo_array((np.ones(ends.shape[1]), ends), (n, n)), directed=False)
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    return np.bincount(of[triangles[:, 0]], np.einsum("ti,ti->t", a, np.cross(b, c)) / 6, count)


def parts(inside: np.ndarray) -> tuple[int, int]:
    """Objects, whose voxels join by faces, and cavities, whose voxels join by faces and edges."""
    padded = np.pad(inside, 1)
    return ndimage.label(padded, FACES)[1], ndimage.label(~padded, EDGES)[1] - 1


def to_trimesh(vertices: np.ndarray, triangles: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh(vertices, triangles, process=False, validate=False)


def random_labels(shape: tuple[int, ...], density: float, most: int, seed: int) -> np.ndarray:
    """Labels 1 to `most` that fill about a part of the volume, without any structure."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < density, rng.integers(1, most + 1, shape), 0).astype(np.uint8)
