"""Every kind of file holds the same surfaces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from tests.mesh.export.conftest import BOX_CORNER, BOX_SIZE, ball_surface, box_surface, mesh_of

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.export import SUFFIXES, part, write_surfaces
from napari_seamless.mesh.export.part import as_part, vertex_normals

READ_BY_TRIMESH = [".glb", ".obj", ".ply", ".stl"]


@pytest.mark.parametrize("suffix", READ_BY_TRIMESH)
@pytest.mark.parametrize("normals", [True, False])
def test_a_box_keeps_its_place_its_volume_and_its_area(box, tmp_path, suffix, normals):
    write_surfaces([box], tmp_path / f"box{suffix}", normals=normals)
    mesh = trimesh.load_scene(tmp_path / f"box{suffix}").to_mesh()
    np.testing.assert_allclose(mesh.bounds, [BOX_CORNER[::-1], (BOX_CORNER + BOX_SIZE)[::-1]], rtol=1e-6)
    assert mesh.volume == pytest.approx(30)
    assert mesh.area == pytest.approx(62)


@pytest.mark.parametrize("suffix", READ_BY_TRIMESH)
def test_several_surfaces_enclose_what_they_did_and_none_is_inside_out(box, ball, tmp_path, suffix):
    write_surfaces([box, ball], tmp_path / f"all{suffix}")
    mesh = trimesh.load_scene(tmp_path / f"all{suffix}").to_mesh()
    mesh.merge_vertices()
    parts = sorted(mesh.split(), key=lambda one: one.bounds[0, 2])
    assert [one.volume for one in parts] == pytest.approx([30, mesh_of(ball).volume], rel=1e-5)
    assert [one.area for one in parts] == pytest.approx([62, mesh_of(ball).area], rel=1e-5)
    assert mesh.is_watertight


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl"])
def test_another_reader_finds_the_same_triangles(box, ball, tmp_path, suffix):
    meshio = pytest.importorskip("meshio")
    # That reader takes the colours in an OBJ file for further points.
    surfaces = [replace(surface, color=None) if suffix == ".obj" else surface for surface in (box, ball)]
    write_surfaces(surfaces, tmp_path / f"all{suffix}")
    mesh = meshio.read(tmp_path / f"all{suffix}")
    triangles = np.concatenate([cells.data for cells in mesh.cells if cells.type == "triangle"])
    expected = np.concatenate([mesh_of(surface).triangles for surface in surfaces])
    np.testing.assert_allclose(mesh.points[triangles], expected, rtol=1e-6)


@pytest.mark.parametrize("most", [1 << 22, 100])
def test_normals_of_a_ball_point_away_from_its_centre(monkeypatch, most):
    monkeypatch.setattr(part, "_MANY_ROWS", most)
    ball = ball_surface(4, (5, 6, 7), (1, 1, 1))
    expected = (ball.vertices - (5, 6, 7))[:, ::-1]
    found = vertex_normals(as_part(ball))
    assert (found * expected).sum(axis=1).min() > 0.999


def test_a_vertex_without_a_triangle_has_a_normal_nonetheless(box):
    alone = replace(box, vertices=np.concatenate([box.vertices, [(0, 0, 0)]]), values={})
    np.testing.assert_allclose(np.linalg.norm(vertex_normals(as_part(alone)), axis=1), 1, rtol=1e-6)


def test_an_unknown_suffix_names_those_that_are_known(box, tmp_path):
    with pytest.raises(SettingsError, match=r"\.glb, \.obj, \.ply, \.stl, \.vtp"):
        write_surfaces([box], tmp_path / "box.fbx")


def test_a_file_under_another_name_is_of_the_kind_that_is_asked_for(box, tmp_path):
    write_surfaces([box], tmp_path / "box.part", suffix=".stl")
    write_surfaces([box], tmp_path / "box.STL")
    assert (tmp_path / "box.part").read_bytes() == (tmp_path / "box.STL").read_bytes()


def test_tables_that_are_written_in_many_pieces_are_the_same(tmp_path, monkeypatch):
    ball = ball_surface(3, label=1, values={"distance": np.arange(642, dtype=np.float32)})
    for suffix in (".obj", ".ply", ".stl"):
        write_surfaces([ball], tmp_path / f"whole{suffix}")
    monkeypatch.setattr(part.rows, "__defaults__", (100,))
    for suffix in (".obj", ".ply", ".stl"):
        write_surfaces([ball], tmp_path / f"pieces{suffix}")
        assert (tmp_path / f"pieces{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_needs_a_surface(tmp_path, suffix):
    with pytest.raises(SettingsError, match="empty"):
        write_surfaces([], tmp_path / f"none{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_of_the_disk_comes_as_it_is(box, tmp_path, suffix):
    with pytest.raises(FileNotFoundError):
        write_surfaces([box], tmp_path / "missing" / f"box{suffix}")


@pytest.mark.parametrize("suffix", READ_BY_TRIMESH)
def test_a_surface_without_triangles_does_no_harm(box, tmp_path, suffix):
    nothing = replace(box, vertices=np.empty((0, 3)), triangles=np.empty((0, 3), np.int32), values={}, label=9)
    write_surfaces([nothing, box], tmp_path / f"all{suffix}")
    assert trimesh.load_scene(tmp_path / f"all{suffix}").to_mesh().volume == pytest.approx(30)
    write_surfaces([nothing], tmp_path / f"nothing{suffix}")


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
def test_far_from_the_origin_the_shape_is_kept(tmp_path, suffix):
    far = box_surface()
    far = replace(far, vertices=far.vertices / 1000 + (1e6, 2e6, 3e6))
    write_surfaces([far], tmp_path / f"far{suffix}")
    mesh = trimesh.load_scene(tmp_path / f"far{suffix}").to_mesh()
    np.testing.assert_allclose(mesh.extents, BOX_SIZE[::-1] / 1000, rtol=1e-5)
    np.testing.assert_allclose(mesh.bounds[0], (BOX_CORNER / 1000 + (1e6, 2e6, 3e6))[::-1], rtol=1e-12)
