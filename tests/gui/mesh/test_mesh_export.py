"""Surfaces go to files that other programs read."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.gui.mesh.mesh_hands import SPACING

trimesh = pytest.importorskip("trimesh")


def answer(monkeypatch, path) -> None:
    monkeypatch.setattr("napari_seamless._qt.mesh.export_controller.choose_mesh_output", lambda *_: str(path))


def test_surfaces_of_the_table_are_written(make_mesh_hands, labels, tmp_path, monkeypatch):
    hands = make_mesh_hands(labels)
    hands.create()
    made = hands.dock.state.made.surfaces
    answer(monkeypatch, tmp_path / "cells.glb")
    hands.click("meshExport")
    hands.wait_done()
    assert hands.severity == "done", hands.message
    scene = trimesh.load(tmp_path / "cells.glb")
    volumes = sorted(abs(mesh.volume) for mesh in scene.geometry.values())
    np.testing.assert_allclose(volumes, sorted(one.measures.volume for one in made), rtol=1e-4)
    # once more: the dialog has asked whether the file may be replaced
    hands.click("meshExport")
    hands.wait_done()
    assert hands.severity == "done", hands.message


def test_a_file_for_each(make_mesh_hands, labels, tmp_path, monkeypatch):
    hands = make_mesh_hands(labels)
    hands.create()
    hands.pick("meshEach", "each")
    answer(monkeypatch, tmp_path / "cells.stl")
    hands.click("meshExport")
    hands.wait_done()
    files = sorted((tmp_path / "cells").iterdir())
    assert [file.name for file in files] == ["cells_1.stl", "cells_12.stl", "cells_3.stl"]
    assert trimesh.load(files[0]).is_watertight
    hands.click("meshExport")
    hands.wait_done()
    assert hands.severity == "error"
    assert "exists" in hands.message


def test_without_a_table_the_volume_is_written(make_mesh_hands, labels, tmp_path, monkeypatch):
    hands = make_mesh_hands(labels)
    hands.type("meshSmoothing", "0")
    hands.press("meshDetail", Qt.Key.Key_End)
    answer(monkeypatch, tmp_path / "cells.ply")
    hands.click("meshExport")
    hands.wait_done()
    assert hands.severity == "done", hands.message
    assert hands.meshes == []
    mesh = trimesh.load(tmp_path / "cells.ply")
    assert abs(mesh.volume) == pytest.approx(np.count_nonzero(labels) * np.prod(SPACING), rel=1e-4)


def test_what_cannot_be_written_is_said(make_mesh_hands, labels, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hands = make_mesh_hands(labels)
    hands.create()
    for path in ("/proc/cells.glb", "/nowhere/cells.glb", "cells.xyz"):
        hands.dock.state.say("")
        answer(monkeypatch, path)
        hands.click("meshExport")
        hands.wait_done()
        assert hands.severity == "error"
        assert "\n" not in hands.message
        assert hands.message.endswith(".")


def test_a_full_disk_is_said(make_mesh_hands, labels, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    hands = make_mesh_hands(labels)
    hands.create()
    monkeypatch.setattr("napari_seamless.engine.mesh.output.write_surfaces", full)
    answer(monkeypatch, tmp_path / "cells.glb")
    hands.click("meshExport")
    hands.wait_done()
    assert hands.severity == "error"
    assert "No space left" in hands.message
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith("-lock")]
