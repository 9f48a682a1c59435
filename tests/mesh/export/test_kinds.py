"""What each kind of file says besides positions."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from tests.mesh.export.conftest import ball_surface, mesh_of

from napari_seamless.mesh.export import glb, write_surfaces


def read_glb(path):
    """Return the document and a function that returns the numbers of an accessor."""
    data = path.read_bytes()
    magic, version, total, length, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, total, kind) == (b"glTF", 2, len(data), b"JSON")
    document = json.loads(data[20 : 20 + length])
    size, kind = struct.unpack_from("<I4s", data, 20 + length)
    binary = data[28 + length :]
    assert kind == b"BIN\0"
    assert len(binary) == size
    assert length % 4 == size % 4 == 0

    def numbers(i):
        accessor = document["accessors"][i]
        view = document["bufferViews"][accessor["bufferView"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        dtype = {5126: "<f4", 5125: "<u4", 5123: "<u2"}[accessor["componentType"]]
        start = view["byteOffset"] + accessor["byteOffset"]
        found = np.frombuffer(binary, dtype, accessor["count"] * width, start).reshape(-1, width)
        return found[:, 0] if width == 1 else found

    return document, numbers


def test_glb_has_a_node_with_name_colour_label_and_unit_for_each_surface(box, ball, tmp_path):
    write_surfaces([box, ball], tmp_path / "a.glb")
    scene = trimesh.load_scene(tmp_path / "a.glb")
    assert set(scene.graph.nodes_geometry) == {"left kidney", "right kidney"}
    document, _ = read_glb(tmp_path / "a.glb")
    assert document["asset"]["extras"] == document["scenes"][0]["extras"] == {"units": "micrometer"}
    assert [node["extras"]["label"] for node in document["nodes"]] == [3, 7]
    factor = document["materials"][1]["pbrMetallicRoughness"]["baseColorFactor"]
    light = np.array(factor[:3])
    screen = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    np.testing.assert_allclose(screen, (20, 120, 40), atol=1e-3)
    assert factor[3] == pytest.approx(128 / 255)


def test_glb_has_values_and_unit_normals_at_the_vertices(box, tmp_path):
    with_gaps = {"Distance map": np.array([np.nan, np.inf, 2, 3, 4, 5, 6, 7], np.float32), "distance-map": np.ones(8)}
    write_surfaces([replace(box, values=with_gaps)], tmp_path / "a.glb")
    document, numbers = read_glb(tmp_path / "a.glb")
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    np.testing.assert_array_equal(numbers(attributes["_DISTANCE_MAP"]), [0, 0, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(numbers(attributes["_DISTANCE_MAP_2"]), np.ones(8))
    np.testing.assert_allclose(np.linalg.norm(numbers(attributes["NORMAL"]), axis=1), 1, rtol=1e-6)
    position = document["accessors"][attributes["POSITION"]]
    np.testing.assert_array_equal(position["min"], numbers(attributes["POSITION"]).min(axis=0))
    np.testing.assert_array_equal(position["max"], numbers(attributes["POSITION"]).max(axis=0))


def test_glb_of_very_many_surfaces_lets_them_share_nodes(tmp_path, monkeypatch):
    monkeypatch.setattr(glb, "MOST_NODES", 10)
    monkeypatch.setattr(glb, "_TOGETHER", 100)
    colors = [(255, 0, 0, 255), None]
    many = [ball_surface(0, (0, 0, 10 * i), label=i, name=f"n {i}", color=colors[i % 2]) for i in range(11)]
    write_surfaces(many, tmp_path / "a.glb")
    document, numbers = read_glb(tmp_path / "a.glb")
    assert [node["extras"]["labels"] for node in document["nodes"]] == [[*range(9)], [9, 10]]
    assert document["nodes"][1]["extras"]["names"] == ["n 9", "n 10"]
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    np.testing.assert_array_equal(numbers(attributes["_LABEL"]), np.repeat(np.arange(9), 12))
    np.testing.assert_array_equal(numbers(attributes["COLOR_0"])[0], [65535, 0, 0, 65535])
    mesh = trimesh.load_scene(tmp_path / "a.glb").to_mesh()
    assert mesh.volume == pytest.approx(sum(mesh_of(surface).volume for surface in many), rel=1e-5)


def test_ply_has_every_property_by_name(box, ball, tmp_path):
    write_surfaces([box, ball], tmp_path / "a.ply")
    data = trimesh.load_mesh(tmp_path / "a.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(data["label"].ravel(), np.repeat([3, 7], [8, len(ball.vertices)]))
    np.testing.assert_array_equal(data["distance"].ravel()[:8], box.values["distance"])
    np.testing.assert_array_equal(data["probability"].ravel()[:8], box.values["probability"])
    assert np.isnan(data["distance"].ravel()[8:]).all()
    colors = np.stack([data[name].ravel() for name in ("red", "green", "blue", "alpha")], axis=1)
    np.testing.assert_array_equal(colors[[0, 8]], [(200, 100, 50, 255), (20, 120, 40, 128)])
    header = (tmp_path / "a.ply").read_bytes().partition(b"end_header")[0].decode("ascii").splitlines()
    assert {"comment unit micrometer", "comment label 3 left kidney", "comment label 7 right kidney"} <= set(header)


def test_ply_of_values_that_are_called_like_coordinates_still_has_both(box, tmp_path):
    write_surfaces([replace(box, values={"x": np.arange(8), "my value": np.ones(8)})], tmp_path / "a.ply")
    data = trimesh.load_mesh(tmp_path / "a.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(data["x_2"].ravel(), np.arange(8))
    np.testing.assert_array_equal(data["my_value"].ravel(), np.ones(8))


def test_stl_begins_with_unit_and_name_and_never_with_solid(box, tmp_path):
    write_surfaces([replace(box, name="solid")], tmp_path / "a.stl")
    data = (tmp_path / "a.stl").read_bytes()
    assert len(data) == 84 + 50 * 12
    assert data[:80].rstrip() == b"binary STL, unit micrometer, solid"
    found = trimesh.load_mesh(tmp_path / "a.stl", process=False)
    stored = np.frombuffer(data, np.dtype([("n", "<f4", 3), ("rest", "u1", 38)]), 12, 84)["n"]
    np.testing.assert_allclose(stored, mesh_of(box).face_normals, atol=1e-6)
    np.testing.assert_allclose(found.triangles, mesh_of(box).triangles, rtol=1e-6)


def test_obj_has_names_colours_and_one_unit(box, ball, tmp_path):
    write_surfaces([box, ball], tmp_path / "a.obj")
    lines = (tmp_path / "a.obj").read_text("utf-8").splitlines()
    assert lines[0] == "# unit micrometer"
    assert [line for line in lines if line.startswith("o ")] == ["o left kidney", "o right kidney"]
    vertices = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    np.testing.assert_allclose(vertices[:8, 3:] * 255, np.tile((200, 100, 50), (8, 1)), atol=1e-3)
    np.testing.assert_allclose(vertices[:8, :3], box.vertices[:, ::-1])
    scene = trimesh.load_scene(tmp_path / "a.obj", split_objects=True)
    assert set(scene.geometry) == {"left kidney", "right kidney"}


def test_vtp_is_read_with_everything_it_says(box, ball, tmp_path):
    pytest.importorskip("vtk")
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkMassProperties
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    write_surfaces([box, replace(ball, name="<right> µ")], tmp_path / "a.vtp")
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "a.vtp"))
    reader.Update()
    data = reader.GetOutput()
    n = len(ball.vertices)
    np.testing.assert_allclose(
        vtk_to_numpy(data.GetPoints().GetData()),
        np.concatenate([box.vertices, ball.vertices])[:, ::-1].astype(np.float32),
    )
    points = data.GetPointData()
    assert points.GetNormals().GetName() == "Normals"
    np.testing.assert_array_equal(vtk_to_numpy(points.GetArray("distance"))[:8], box.values["distance"])
    assert np.isnan(vtk_to_numpy(points.GetArray("distance"))[8:]).all()
    np.testing.assert_array_equal(vtk_to_numpy(points.GetArray("RGBA"))[[0, 8]], [box.color, ball.color])
    np.testing.assert_array_equal(
        vtk_to_numpy(data.GetCellData().GetArray("label")), np.repeat([3, 7], [12, len(ball.triangles)])
    )
    fields = data.GetFieldData()
    assert fields.GetAbstractArray("units").GetValue(0) == "micrometer"
    assert [fields.GetAbstractArray("names").GetValue(i) for i in range(2)] == ["left kidney", "<right> µ"]
    np.testing.assert_array_equal(vtk_to_numpy(fields.GetArray("labels")), [3, 7])
    properties = vtkMassProperties()
    properties.SetInputData(data)
    properties.Update()
    assert properties.GetVolume() == pytest.approx(30 + mesh_of(ball).volume, rel=1e-5)
    assert data.GetNumberOfPoints() == 8 + n


def test_vtp_far_from_the_origin_has_double_positions(box, tmp_path):
    pytest.importorskip("vtk")
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    far = replace(box, vertices=box.vertices + 1e7 + 0.125)
    write_surfaces([far], tmp_path / "a.vtp", normals=False)
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "a.vtp"))
    reader.Update()
    np.testing.assert_array_equal(vtk_to_numpy(reader.GetOutput().GetPoints().GetData()), far.vertices[:, ::-1])
