"""The surface of an occupancy that is known: a ball that the network is made to see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.engine.occupancy.cases import network, voxels

from napari_seamless.engine.occupancy import (
    OccupancySettings,
    occupancy_meshes,
    occupancy_refinement,
    write_occupancy_mesh,
)
from napari_seamless.engine.occupancy.field import OccupancyField
from napari_seamless.errors import OutputExistsError, SettingsError
from napari_seamless.mesh.finish.refinement import Refinement
from napari_seamless.volume import open_volume

CENTRE, RADIUS = (11.3, 10.8, 11.1), 8.3
SEEN = 8.8
PLACE = {"spacing": (2.0, 1.0, 0.5), "translation": (10.0, 0.0, -3.0), "units": "um"}


@pytest.fixture
def ball():
    grid = np.indices((24, 23, 24)).reshape(3, -1).T - CENTRE
    labels = (np.linalg.norm(grid, axis=1) < RADIUS).reshape(24, 23, 24).astype(np.uint8)
    labels[0, 0, 0] = 1
    return open_volume(labels, **PLACE)


@pytest.fixture
def sees_a_ball(monkeypatch):
    def occupancy(_, points):
        return torch.sigmoid(SEEN - (points - torch.tensor(CENTRE)).norm(dim=1))

    monkeypatch.setattr(OccupancyField, "occupancy", occupancy)


def test_vertices_move_to_the_level_whatever_the_spacing(ball, sees_a_ball):
    image = open_volume(voxels(shape=(24, 23, 24)), **PLACE)
    how = Refinement(learning_rate=1e-2, steps=90)
    refine = occupancy_refinement(network(), image, OccupancySettings(device="cpu"), refinement=how, triangles=None)
    (rough,), (refined,) = (occupancy_meshes(ball, finish) for finish in (None, refine))
    (in_voxels,) = occupancy_meshes(ball, refine, physical=False)
    assert far_from_level(to_voxels(rough)) > 0.4
    assert far_from_level(to_voxels(refined)) < 0.05
    np.testing.assert_allclose(in_voxels.surface.vertices, to_voxels(refined), atol=1e-9)
    assert in_voxels.surface.units == (None, None, None)
    assert refined.measures.components == 1


def to_voxels(made):
    return (made.surface.vertices - PLACE["translation"]) / PLACE["spacing"]


def far_from_level(vertices):
    return np.abs(np.linalg.norm(vertices - CENTRE, axis=1) - SEEN).mean()


def test_the_refinement_asks_the_network_itself():
    steps = []
    image = voxels(shape=(16, 16, 16))
    refine = occupancy_refinement(
        network("oss_net_full2_lits"),
        image,
        OccupancySettings(device="cpu"),
        refinement=Refinement(steps=2),
        triangles=40,
        on_step=lambda step, loss: steps.append((step, loss)),
    )
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[2:14, 3:13, 2:13] = 1
    (made,) = occupancy_meshes(labels, refine, least_voxels=0)
    assert [step for step, _ in steps] == [1, 2]
    assert np.isfinite(made.surface.vertices).all()


def test_parts_answer_their_own_points():
    found = network("oss_net_A_lits")
    from napari_seamless.engine.occupancy.source import NormalizedVolume

    source = NormalizedVolume(open_volume(voxels(shape=(32, 16, 16))), "zscore")
    field = OccupancyField(found, source, OccupancySettings(device="cpu"), lambda *_: None)
    points = torch.tensor([[30.2, 3, 4], [-1, 2, 2], [23.4, 5, 5], [40, 1, 1.0]], requires_grad=True)
    together = field.occupancy(points)
    alone = [field.answers(number, points[i : i + 1])[0, 0] for i, number in enumerate((1, 0, 0, 1))]
    torch.testing.assert_close(together, torch.stack(alone))
    (gradient,) = torch.autograd.grad(together.sum(), points)
    assert gradient.abs().sum(1).gt(0).all()


def test_tensors_are_written_beside_the_mesh(tmp_path, ball):
    made = occupancy_meshes(ball, None, physical=False)
    path = tmp_path / "ball.obj"
    files = write_occupancy_mesh(made, path, tensors=True)
    assert [file.rsplit("/", 1)[-1] for file in files] == ["ball.obj", "ball_vertices.pt", "ball_faces.pt"]
    vertices, faces = (torch.load(file, weights_only=True) for file in files[1:])
    np.testing.assert_array_equal(faces, made[0].surface.triangles)
    np.testing.assert_allclose(vertices, made[0].surface.vertices, rtol=1e-6)
    assert (vertices.dtype, faces.dtype) == (torch.float32, torch.int64)
    path.unlink()
    with pytest.raises(OutputExistsError, match=r"ball_vertices\.pt"):
        write_occupancy_mesh(made, path, tensors=True)
    with pytest.raises(SettingsError, match="one surface"):
        write_occupancy_mesh(made * 2, tmp_path / "two.obj", tensors=True)
