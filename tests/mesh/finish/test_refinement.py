"""Refinement: vertices go to the sphere where an analytic occupancy has its level."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from tests.mesh.finish.shapes import from_trimesh

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.finish import Refinement, measure, refine_by_occupancy
from napari_seamless.types import Surface

CENTRE = (3.0, -2.0, 10.0)


def ball(points: torch.Tensor) -> torch.Tensor:
    return ((5.0 - (points - torch.tensor(CENTRE)).norm(dim=1)) * 2).sigmoid()


def rough(noise=0.3) -> Surface:
    mesh = trimesh.creation.icosphere(3, 5.2)
    mesh.vertices *= 1 + noise / 5 * np.random.default_rng(0).uniform(-1, 1, (len(mesh.vertices), 1))
    mesh.apply_translation(CENTRE)
    return from_trimesh(mesh)


def misses(surface: Surface) -> float:
    return float(np.abs(np.linalg.norm(surface.vertices - CENTRE, axis=1) - 5).mean())


FAST = Refinement(steps=80, learning_rate=1e-2)


def test_vertices_go_to_the_level():
    losses = []
    refined = refine_by_occupancy(rough(), ball, FAST, on_step=lambda step, loss: losses.append(loss))
    assert misses(refined) < misses(rough()) / 5
    assert losses[-1] < losses[0] / 5
    assert len(losses) == 80
    assert measure(refined).watertight


def test_the_loss_counts_how_far_normals_are_from_the_radius():
    first = {}
    for weight in (0.0, 1.0):
        settings = Refinement(steps=1, normal_weight=weight)
        refine_by_occupancy(rough(), ball, settings, on_step=lambda _, loss, w=weight: first.update({w: loss}))
    mesh = trimesh.Trimesh(rough().vertices - CENTRE, rough().triangles, process=False)
    radii = mesh.triangles_center / np.linalg.norm(mesh.triangles_center, axis=1, keepdims=True)
    expected = np.square(mesh.face_normals - radii).sum(axis=1).mean()
    assert first[1.0] - first[0.0] == pytest.approx(expected, rel=0.05)


def test_the_rate_is_in_units_of_the_scale():
    coarse = refine_by_occupancy(rough(), ball, Refinement(steps=1, learning_rate=1e-2))
    fine = refine_by_occupancy(rough(), ball, Refinement(steps=1, learning_rate=1e-3, scale=10.0))
    np.testing.assert_allclose(coarse.vertices, fine.vertices, atol=1e-4)


def test_the_same_seed_gives_the_same_bytes():
    first, second, other = (
        refine_by_occupancy(rough(), ball, Refinement(steps=5, seed=seed)).vertices.tobytes() for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_what_a_step_raises_ends_it():
    seen = []

    def stop(step, loss):
        seen.append(step)
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine_by_occupancy(rough(), ball, FAST, on_step=stop)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    "settings", [Refinement(steps=-1), Refinement(learning_rate=0), Refinement(scale=-1), Refinement(normal_weight=-1)]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SettingsError):
        refine_by_occupancy(rough(), ball, settings)


def test_occupancies_of_another_kind_are_refused():
    with pytest.raises(SettingsError, match="shape"):
        refine_by_occupancy(rough(), lambda points: points, FAST)
    with pytest.raises(SettingsError, match="NaN"):
        refine_by_occupancy(rough(), lambda points: ball(points) * float("nan"), FAST)


def test_nothing_to_do_returns_the_surface():
    surface = rough()
    assert refine_by_occupancy(surface, ball, Refinement(steps=0)) is surface
    empty = Surface(vertices=np.zeros((0, 3)), triangles=np.zeros((0, 3), np.int32))
    assert refine_by_occupancy(empty, ball) is empty
