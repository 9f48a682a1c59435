"""Surfaces of plain labels, face by face, and surfaces with a known truth."""

from __future__ import annotations

import numpy as np
import trimesh

from napari_seamless.types import Surface


def voxel_faces(inside: np.ndarray, spacing=(1.0, 1.0, 1.0)) -> Surface:
    """Two triangles for each face between a voxel inside and one that is not, corners at corners of voxels."""
    inside = np.pad(inside, 1)
    squares = []
    for axis in range(3):
        first, second = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        change = np.diff(inside.astype(np.int8), axis=axis)
        for sign in (-1, 1):
            corner = np.argwhere(change == sign) + np.eye(3, dtype=int)[axis]
            square = np.stack([corner, corner + first, corner + first + second, corner + second], axis=1)
            squares.append(square if sign < 0 else square[:, ::-1])
    corners, numbers = np.unique(np.concatenate(squares).reshape(-1, 3), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1, 4)
    triangles = np.concatenate([numbers[:, [0, 1, 2]], numbers[:, [0, 2, 3]]]).astype(np.int32)
    return Surface(vertices=(corners - 1) * np.array(spacing, float), triangles=triangles)


def centres(spacing=(1.0, 1.0, 1.0), extent=64) -> np.ndarray:
    """Positions of the centres of voxels, about the middle of a cube of the given extent."""
    steps = np.array(spacing, float)
    axes = [(np.arange(np.ceil(extent / step)) + 0.5) * step - extent / 2 for step in steps]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def sphere(spacing=(1.0, 1.0, 1.0), radius=20.0, extent=64) -> np.ndarray:
    return np.linalg.norm(centres(spacing, extent), axis=-1) < radius


def torus(spacing=(1.0, 1.0, 1.0), ring=18.0, tube=8.0) -> np.ndarray:
    z, y, x = np.moveaxis(centres(spacing), -1, 0)
    return np.hypot(np.hypot(y, x) - ring, z) < tube


def box(spacing=(1.0, 1.0, 1.0), sizes=(40.0, 30.0, 20.0)) -> np.ndarray:
    return (np.abs(centres(spacing)) < np.array(sizes) / 2).all(axis=-1)


def to_trimesh(surface: Surface) -> trimesh.Trimesh:
    return trimesh.Trimesh(surface.vertices, surface.triangles, process=False, validate=False)


def from_trimesh(mesh: trimesh.Trimesh, **changes) -> Surface:
    vertices, triangles = np.array(mesh.vertices, float), np.array(mesh.faces, np.int32)
    return Surface(vertices=vertices, triangles=triangles, **changes)


def together(*surfaces: Surface) -> Surface:
    """One surface of several."""
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces[:-1])])
    return Surface(
        vertices=np.concatenate([surface.vertices for surface in surfaces]),
        triangles=np.concatenate([s.triangles + start for s, start in zip(surfaces, starts, strict=True)]).astype("i4"),
    )


def turned(surface: Surface) -> Surface:
    """The same surface facing the other way."""
    return Surface(vertices=surface.vertices, triangles=np.ascontiguousarray(surface.triangles[:, ::-1]))
