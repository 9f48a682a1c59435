"""A person makes surfaces of labels, looks at their table and goes to one of them."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.gui.mesh.mesh_hands import SPACING, TRANSLATION

from napari_seamless._qt.mesh.job import MeshJob
from napari_seamless._qt.mesh.numbers import short
from napari_seamless.engine.mesh import MeshSettings, make_meshes
from napari_seamless.volume import open_volume


def physical_bounds(labels: np.ndarray) -> np.ndarray:
    """Lowest and highest corner of all labelled voxels: a voxel reaches half its size to both sides."""
    found = np.argwhere(labels)
    low, high = found.min(axis=0) - 0.5, found.max(axis=0) + 0.5
    return np.array([low, high]) * SPACING + TRANSLATION


def unchanged(hands) -> None:
    """Choose no smoothing and every triangle."""
    hands.type("meshSmoothing", "0")
    hands.press("meshDetail", Qt.Key.Key_End)


def test_the_surfaces_lie_on_the_labels(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    unchanged(hands)
    hands.create()
    assert hands.severity == "done", hands.message
    (layer,) = hands.meshes
    np.testing.assert_allclose(layer.extent.world, physical_bounds(labels), atol=1e-5)
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert tuple(layer.axis_labels) == ("z", "y", "x")
    colors = hands.viewer.layers["cells"].get_color(3)
    assert np.any(np.all(np.isclose(layer.vertex_colors[:, :3], colors[:3], atol=1 / 255), axis=1))
    assert len({tuple(color) for color in layer.vertex_colors.tolist()}) == 3
    # lit from outside: triangles enclose a positive volume
    a, b, c = (layer.data[0][layer.data[1][:, i]].astype(float) for i in range(3))
    enclosed = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert enclosed == pytest.approx(np.count_nonzero(labels) * np.prod(SPACING), rel=1e-5)


def test_a_turned_layer_carries_its_surfaces_along(make_mesh_hands, labels):
    hands = make_mesh_hands(labels, rotate=(0, 0, 20))
    unchanged(hands)
    hands.create()
    (layer,) = hands.meshes
    corner = hands.viewer.layers["cells"].data_to_world((1.5, 1.5, 2.5))
    drawn = np.array([layer.data_to_world(vertex) for vertex in layer.data[0]])
    assert np.linalg.norm(drawn - corner, axis=1).min() < 1e-5


def test_the_table_says_what_the_engine_measured(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    hands.create()
    volume = open_volume(labels, spacing=SPACING, units="um", translation=TRANSLATION)
    chosen = MeshSettings(smoothing=16, max_error=hands.dock.shape.settings().max_error)
    wanted = make_meshes(volume, chosen)
    assert hands.column("label") == [str(one.surface.label) for one in wanted]
    assert hands.column("triangles") == [f"{one.measures.triangles:,}" for one in wanted]
    assert hands.column("area") == [short(one.measures.area) for one in wanted]
    assert hands.column("volume") == [short(one.measures.volume) for one in wanted]
    assert hands.column("error") == [short(one.surface.error) for one in wanted]
    assert hands.column("watertight") == ["✓"] * 3
    assert hands.column("components") == ["1"] * 3


def test_headers_sort_by_number(make_mesh_hands, labels):
    hands = make_mesh_hands(labels, show=True)
    hands.create()
    hands.click_header("volume")
    assert hands.column("label") == ["12", "3", "1"]
    hands.click_header("volume")
    assert hands.column("label") == ["1", "3", "12"]
    hands.click_header("label")
    # as numbers: as text 12 would come before 3
    assert hands.column("label") == ["1", "3", "12"]


def test_a_click_goes_to_the_surface(make_mesh_hands, labels):
    hands = make_mesh_hands(labels, show=True)
    hands.create()
    hands.click_row(2)
    cells = hands.viewer.layers["cells"]
    assert cells.selected_label == 12
    centre = np.argwhere(labels == 12).mean(axis=0) * SPACING + TRANSLATION
    np.testing.assert_allclose(hands.viewer.dims.point, centre, atol=max(SPACING) / 2)
    np.testing.assert_allclose(hands.viewer.scene.camera.center[1:], centre[1:], atol=0.3)
    hands.click("meshShow")
    assert hands.viewer.dims.ndisplay == 3
    assert not cells.visible
    hands.click_row(0)
    centre = np.argwhere(labels == 1).mean(axis=0) * SPACING + TRANSLATION
    np.testing.assert_allclose(hands.viewer.scene.camera.center, centre, atol=0.3)


def test_the_selected_label_and_those_that_are_named(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    hands.viewer.layers["cells"].selected_label = 3
    hands.pick("meshWhat", "selected label (3)")
    hands.create()
    assert hands.column("label") == ["3"]
    hands.pick("meshWhat", "these")
    hands.type("meshThese", "1, 12")
    hands.create()
    assert hands.column("label") == ["1", "12"]
    assert len(hands.meshes) == 1


def test_colours_of_another_layer(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    heights = np.broadcast_to(np.arange(12, dtype=np.float32)[:, None, None], labels.shape).copy()
    hands.viewer.add_image(heights, name="height", scale=SPACING, translate=TRANSLATION, units="um")
    unchanged(hands)
    hands.create()
    hands.pick("meshColor", "height")
    hands.find("meshColor").activated.emit(hands.find("meshColor").currentIndex())
    hands.wait_done()
    (layer,) = hands.meshes
    assert layer.vertex_colors is None
    wanted = (layer.data[0][:, 0] - TRANSLATION[0]) / SPACING[0]
    np.testing.assert_allclose(layer.vertex_values, wanted, atol=1e-4)
    hands.press("meshColor", Qt.Key.Key_Home)
    hands.find("meshColor").activated.emit(0)
    hands.wait_done()
    assert layer.vertex_colors is not None


def test_a_field_has_a_level(make_mesh_hands):
    hands = make_mesh_hands()
    z, y, x = np.indices((24, 24, 24))
    distance = np.sqrt((z - 11.5) ** 2 + (y - 11.5) ** 2 + (x - 11.5) ** 2) - 8
    hands.viewer.add_image(distance.astype(np.float32), name="ball")
    hands.pick("meshLayer", "ball")
    hands.find("meshLayer").activated.emit(hands.find("meshLayer").currentIndex())
    assert hands.find("meshKind").currentData() == "distance"
    hands.press("meshDetail", Qt.Key.Key_End)
    hands.create()
    (made,) = hands.dock.state.made.surfaces
    assert made.measures.volume == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.02)
    hands.type("meshLevel", "-2")
    hands.create()
    (made,) = hands.dock.state.made.surfaces
    assert made.measures.volume == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.02)


def test_cancel_leaves_nothing(make_mesh_hands, labels, monkeypatch):
    began = threading.Event()
    make = MeshJob.make

    def slow(self, on_event, control):
        began.set()
        while not control.cancelled:
            threading.Event().wait(0.01)
        return make(self, on_event, control)

    monkeypatch.setattr(MeshJob, "make", slow)
    hands = make_mesh_hands(labels)
    hands.click("meshCreate")
    hands.until(began.is_set)
    assert not hands.find("meshCreate").isEnabled()
    hands.click("meshCancel")
    hands.wait_done()
    assert "Cancelled" in hands.message
    assert hands.meshes == []
    assert hands.column("label") == []


def test_edited_labels_are_told(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    hands.create()
    layer = hands.viewer.layers["cells"]
    layer.selected_label = 1
    layer.paint((5, 18, 15), 1)
    assert hands.severity == "warning"
    assert "as they were" in hands.message


def test_the_preview_follows_settings_and_is_drawn_in_3d(make_mesh_hands, labels):
    hands = make_mesh_hands(labels, preview=True, show=True)
    hands.until(lambda: "→" in hands.told)
    assert "µm" in hands.told
    assert [layer.name for layer in hands.viewer.layers] == ["cells"]
    hands.viewer.dims.ndisplay = 3
    hands.until(lambda: "mesh preview" in hands.viewer.layers)
    layer = hands.viewer.layers["mesh preview"]
    before = len(layer.data[1])
    hands.press("meshDetail", Qt.Key.Key_End)
    hands.until(lambda: "→" not in hands.told and len(layer.data[1]) > before)
    hands.press("meshPreview", Qt.Key.Key_Space)
    assert hands.told == ""
    assert not layer.visible


def test_a_closed_dock_leaves_memory(make_mesh_hands, labels):
    hands = make_mesh_hands(labels, preview=True)
    hands.create()
    dock = weakref.ref(hands.dock)
    hands.viewer.window.remove_dock_widget(hands.dock)
    hands.dock.deleteLater()
    del hands.dock
    hands.qtbot.wait(50)
    gc.collect()
    assert dock() is None
