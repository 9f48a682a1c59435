"""A person makes distance maps of labels and measures with them."""

from __future__ import annotations

import gc
import threading
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from scipy.ndimage import distance_transform_edt
from tests.gui.hands import WAIT_MS, Hands

from napari_seamless._napari.distance_layers import MARK
from napari_seamless._qt.distance import DistanceDock
from napari_seamless._qt.distance.job import DistanceJob
from napari_seamless.engine.distance import DistanceSettings, write_distance_map
from napari_seamless.volume import open_volume

SPACING = (2.0, 0.5, 1.0)


@pytest.fixture
def labels() -> np.ndarray:
    """A block of class 1 with a block of class 3 beside it."""
    array = np.zeros((12, 24, 20), np.uint8)
    array[3:9, 4:14, 5:12] = 1
    array[3:9, 16:20, 5:12] = 3
    return array


class DistanceHands(Hands):
    """Hands on the dock of distance maps."""

    def compute(self) -> None:
        self.click("distanceCompute")
        self.until(lambda: not self.dock.state.phase.busy)

    def maps(self) -> dict:
        return {layer.name: layer for layer in self.viewer.layers if layer.name.startswith("distance to ")}

    def wait_found(self) -> None:
        self.until(lambda: bool(self.dock.state.names))

    def point_at(self, y: float, x: float) -> None:
        """Move the mouse over a point of the slice that is shown, away from it first so that it moves."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        camera = self.viewer.scene.camera
        for dy in (3, 0):
            across = np.array([x - camera.center[2], y + dy - camera.center[1]]) * camera.zoom
            where = np.array([canvas.width(), canvas.height()]) / 2 + across
            self.qtbot.mouseMove(canvas, QPoint(*(round(float(v)) for v in where)))
            self.qtbot.wait(20)

    @property
    def reading(self) -> str:
        return self.dock.measure_view.reading.text()

    def wait_reading(self, text: str) -> None:
        def said() -> None:
            assert self.reading == text

        self.qtbot.waitUntil(said, timeout=WAIT_MS)


@pytest.fixture
def make_distance_hands(no_threads_left, make_napari_viewer, qtbot):
    def make(labels=None, *, show=True, **arguments) -> DistanceHands:
        viewer = make_napari_viewer(show=show, strict_qt="raise")
        if labels is not None:
            chosen = {"name": "cells", "scale": SPACING, "translate": (10, 0, 5), "units": "um"}
            viewer.add_labels(labels, axis_labels=("z", "y", "x"), **(chosen | arguments))
        dock = DistanceDock(viewer)
        viewer.window.add_dock_widget(dock, name="Distance maps", area="right")
        viewer.window.resize(900, 700)
        return DistanceHands(qtbot, viewer, dock)

    return make


def to_centres(inside: np.ndarray) -> np.ndarray:
    """The published map, by SciPy: positive between centres, inside minus (distance - 1)."""
    outside = distance_transform_edt(~inside, sampling=SPACING)
    return np.where(inside, 1 - distance_transform_edt(inside, sampling=SPACING), outside)


def test_each_class_becomes_a_layer_that_lies_on_the_labels(make_distance_hands, labels):
    hands = make_distance_hands(labels, rotate=(0, 0, 20))
    hands.pick("distanceConvention", "published")
    hands.type("distanceClasses", "3, 1")
    hands.compute()
    assert hands.severity == "done"
    maps = hands.maps()
    assert sorted(maps) == ["distance to label 1", "distance to label 3"]
    for value in (1, 3):
        layer = maps[f"distance to label {value}"]
        np.testing.assert_allclose(layer.data, to_centres(labels == value), atol=1e-5)
        corner = hands.viewer.layers["cells"].data_to_world((3, 7, 2))
        np.testing.assert_allclose(layer.data_to_world((3, 7, 2)), corner)
        assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
        assert layer.contrast_limits[0] == -layer.contrast_limits[1]
        assert layer.contrast_limits_range[1] >= layer.data.max()
    # the first class that was named is in sight, the other one waits
    assert [maps[f"distance to label {value}"].visible for value in (3, 1)] == [True, False]
    low, middle, high = maps["distance to label 1"].colormap.map(np.array([0.0, 0.5, 1.0]))[:, :3]
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert middle.min() > 0.9


def test_classes_are_chosen_by_name_and_saved_beside_the_labels(make_distance_hands, labels, tmp_path):
    from napari.layers import Labels

    features = {"index": [0, 1, 3], "class": ["background", "white matter", "grey matter"]}
    hands = make_distance_hands()
    layer = Labels(labels, scale=SPACING, units="mm", axis_labels=("z", "y", "x"), features=features, name="brain")
    layer._source = layer.source.model_copy(update={"path": str(tmp_path / "brain.nii.gz")})
    hands.viewer.add_layer(layer)
    hands.wait_found()
    assert hands.find("distancePath").text() == str(tmp_path / "brain.distance.ome.zarr")
    menu = hands.dock.labels_view.menu
    menu.popup(hands.dock.mapToGlobal(QPoint(0, 0)))
    entry = menu.actions()[1]
    assert "white matter" in entry.text()
    hands.qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entry).center())
    assert menu.isVisible(), "the list closed at the first tick"
    menu.close()
    assert hands.find("distanceClasses").text() == "white matter"
    hands.compute()
    assert hands.severity == "done", hands.message
    saved = open_volume(tmp_path / "brain.distance.ome.zarr")
    assert saved.channels == ("white matter",)
    assert (saved.spacing, saved.units[0]) == (SPACING, "millimeter")
    np.testing.assert_array_equal(hands.maps()["distance to white matter"].data, saved.data[0])


def test_what_exists_is_replaced_only_with_the_tick(make_distance_hands, labels, tmp_path):
    # Not drawn: after a layer was removed, software OpenGL may crash in any napari window (napari issue 6472).
    hands = make_distance_hands(labels, show=False)
    hands.type("distancePath", str(tmp_path / "map.ome.zarr"))
    hands.type("distanceClasses", "1")
    hands.compute()
    hands.type("distanceClasses", "3")
    hands.compute()
    assert hands.severity == "error"
    assert "tick Overwrite" in hands.message
    assert list(hands.maps()) == ["distance to label 1"]
    hands.press("distanceOverwrite", Qt.Key.Key_Space)
    hands.compute()
    assert hands.severity == "done"
    # the layer of what is gone goes too
    assert list(hands.maps()) == ["distance to label 3"]
    assert open_volume(tmp_path / "map.ome.zarr").channels == ("label 3",)


def test_cancel_leaves_nothing(make_distance_hands, labels, tmp_path, monkeypatch):
    began = threading.Event()
    run = DistanceJob.run

    def slow(self, on_event, control):
        began.set()
        while not control.cancelled:
            threading.Event().wait(0.01)
        return run(self, on_event, control)

    monkeypatch.setattr(DistanceJob, "run", slow)
    hands = make_distance_hands(labels)
    hands.type("distancePath", str(tmp_path / "map.ome.zarr"))
    hands.click("distanceCompute")
    hands.until(began.is_set)
    assert not hands.find("distanceCompute").isEnabled()
    hands.click("distanceCancel")
    hands.until(lambda: not hands.dock.state.phase.busy)
    assert "Cancelled" in hands.message
    assert hands.maps() == {}
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith("-lock")]


def test_edited_labels_leave_the_map_and_say_so(make_distance_hands, labels):
    hands = make_distance_hands(labels)
    hands.type("distanceClasses", "1")
    hands.compute()
    before = np.array(hands.maps()["distance to label 1"].data)
    layer = hands.viewer.layers["cells"]
    layer.selected_label = 1
    layer.paint((5, 18, 15), 1)
    assert hands.severity == "warning"
    assert "as they were" in hands.message
    np.testing.assert_array_equal(hands.maps()["distance to label 1"].data, before)


def test_the_distance_at_the_cursor(make_distance_hands, labels):
    hands = make_distance_hands(labels)
    hands.type("distanceClasses", "1")
    hands.compute()
    hands.viewer.dims.set_point(0, 10 + 2 * 5)
    hands.viewer.reset_view()
    hands.click("distanceTool")
    # along y a voxel is 0.5 um: from voxel 1 to the face before voxel 4 there are 2.5 of them
    hands.point_at(0.5, 5 + 8)
    hands.wait_reading("1.25 µm outside label 1")
    assert hands.viewer.canvas.overlays.text.text == hands.reading
    hands.point_at(0.5 * 8, 5 + 8)
    hands.wait_reading("2.25 µm inside label 1")
    hands.viewer.dims.set_point(0, 10 + 2 * 1)
    # two slices of 2 um further up, half a slice from the face
    hands.wait_reading("3 µm outside label 1")
    hands.click("distanceTool")
    assert not hands.viewer.canvas.overlays.text.visible


def test_in_3d_the_surface_under_the_cursor_is_measured(make_distance_hands, labels):
    hands = make_distance_hands(labels)
    hands.type("distanceClasses", "1")
    hands.compute()
    hands.viewer.dims.ndisplay = 3
    hands.click("distanceTool")
    moved = hands.dock.measure._cursor._on_move
    moved(hands.viewer, SimpleNamespace(position=(0, 0.5 * 8, 5 + 8), view_direction=(1, 0, 0)))
    # the line of sight meets slice 3, whose voxels are 2 um long
    hands.wait_reading("1 µm inside label 1")
    moved(hands.viewer, SimpleNamespace(position=(0, 0.5 * 1, 5 + 1), view_direction=(1, 0, 0)))
    hands.wait_reading("outside the map")
    hands.viewer.layers["cells"].visible = False
    moved(hands.viewer, SimpleNamespace(position=(0, 0.5 * 8, 5 + 8), view_direction=(1, 0, 0)))
    hands.wait_reading("in 3D, on the surface of a visible labels layer")


@pytest.fixture
def saved(labels, tmp_path) -> tuple[str, np.ndarray]:
    """A map of the classes 1 and 3 on disk, and its values."""
    volume = open_volume(labels, spacing=SPACING, units="um", translation=(10, 0, 5))
    settings = DistanceSettings(classes=[1, 3], convention="exact")
    written = write_distance_map(volume, tmp_path / "map.ome.zarr", settings)
    return written.path, np.asarray(written.volume.data[:])


def test_a_saved_map_is_measured_wherever_it_was_opened(make_distance_hands, labels, saved):
    path, values = saved
    hands = make_distance_hands(labels)
    opened = hands.viewer.open(path, plugin="napari-ome-zarr")
    assert all(MARK not in layer.metadata for layer in opened)
    hands.viewer.layers.selection.active = next(layer for layer in opened if layer.name.endswith("label 3"))
    # this reader drops the translation: what counts is where the map is drawn
    hands.viewer.dims.set_point(0, 2 * 5)
    hands.viewer.reset_view()
    hands.click("distanceTool")
    hands.point_at(0.5 * 8, 8)
    hands.wait_reading(f"{values[1, 5, 8, 8]:.3g} µm outside label 3")


def test_open_shows_a_saved_map_and_refuses_others(make_distance_hands, labels, saved, tmp_path, monkeypatch):
    path, values = saved
    hands = make_distance_hands(labels)
    view = "napari_seamless._qt.distance.measure_view.choose_folder"
    for chosen, ended in ((tmp_path, lambda: hands.severity == "error"), (path, lambda: len(hands.maps()) == 2)):
        monkeypatch.setattr(view, lambda *_, chosen=chosen: str(chosen))
        hands.click("distanceOpen")
        hands.until(ended)
    for index, value in enumerate((1, 3)):
        layer = hands.maps()[f"distance to label {value}"]
        np.testing.assert_array_equal(layer.data, values[index])
        np.testing.assert_allclose(layer.translate, (10, 0, 5))


def test_a_closed_dock_leaves_memory(make_distance_hands, labels):
    hands = make_distance_hands(labels)
    hands.wait_found()
    hands.click("distanceTool")
    dock = weakref.ref(hands.dock)
    hands.viewer.window.remove_dock_widget(hands.dock)
    hands.dock.deleteLater()
    del hands.dock
    hands.qtbot.wait(50)
    gc.collect()
    assert dock() is None
    assert not hands.viewer.canvas.overlays.text.visible
