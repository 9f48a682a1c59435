"""Surfaces whose measures are known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from napari_seamless.types.surface import Surface

BOX_SIZE = np.array((2.0, 3.0, 5.0))  # z, y, x
BOX_CORNER = np.array((10.0, 20.0, 40.0))


def box_surface(**settings):
    # The library's box is right-handed in the order of its columns, as a surface is in z, y, x.
    mesh = trimesh.creation.box(bounds=[BOX_CORNER, BOX_CORNER + BOX_SIZE])
    return Surface(vertices=np.array(mesh.vertices), triangles=mesh.faces.astype(np.int32), **settings)


def ball_surface(subdivisions=3, center=(50.0, 20.0, 30.0), radii=(2.0, 3.0, 4.0), **settings):
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions)
    vertices = mesh.vertices * radii + center
    return Surface(vertices=vertices, triangles=mesh.faces.astype(np.int32), **settings)


@pytest.fixture
def box():
    values = {"distance": np.arange(8, dtype=np.float32), "probability": np.linspace(0, 1, 8, dtype=np.float32)}
    units = ("micrometer",) * 3
    return box_surface(label=3, name="left kidney", color=(200, 100, 50, 255), units=units, values=values)


@pytest.fixture
def ball():
    return ball_surface(label=7, name="right kidney", color=(20, 120, 40, 128), units=("micrometer",) * 3)


def mesh_of(surface):
    """Return the surface as x, y, z by other means: a mirror image, turned inside out again by the library."""
    mesh = trimesh.Trimesh(surface.vertices[:, ::-1], surface.triangles, process=False)
    mesh.invert()
    return mesh
