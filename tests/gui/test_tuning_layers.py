"""What the tuning dock draws beside the result: patches, errors in the patch, two settings compared."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.gui.test_tuning import PATCH, Rim, TuneHands, expected, make_tune_hands  # noqa: F401  a fixture

from napari_seamless.engine.tuning import Candidate
from napari_seamless.models import make_unet, save_torchscript
from napari_seamless.plan import make_plan
from napari_seamless.quality import PatchPerformance
from napari_seamless.types import Box, ModelSpec

REGION = Box((0, 0, 0), (16, 16, 16))


@pytest.fixture
def hands(make_tune_hands, volume) -> TuneHands:  # noqa: F811
    hands = make_tune_hands(volume, Rim(), (volume > 0.5).astype(np.uint8))
    hands.start()
    hands.pick("truth", "reference")
    hands.evaluate()
    hands.wait_drawn()
    return hands


def test_the_grid_shows_every_patch_that_touches_the_region(hands):
    hands.click("patchGrid")
    zones, lines = (hands.layer(word) for word in ("patch overlap", "patch grid"))
    plan = make_plan((32, 32, 32), PATCH, 0.5, border="edge")
    boxes = [plan.patch_box(index) for index in np.ndindex(*plan.grid_shape)]
    counts = np.zeros((32, 32, 32))
    for box in boxes:
        counts[box.slices] += 1
    np.testing.assert_allclose(2**zones.data, counts[REGION.slices])
    touching = [box for box in boxes if box.intersect(REGION).size]
    edges = {edge - 0.5 for box in touching for edge in (box.start[2], box.stop[2])}
    upright = [start[2] for start, way in lines.data if way[1] > 0]
    assert set(upright) == edges
    # lines lie where the image lies
    np.testing.assert_allclose(lines.data_to_world((5, 0, 0)), hands.viewer.layers["cells"].data_to_world((5, 0, 0)))
    hands.press("tuneOverlap", Qt.Key.Key_Home)
    np.testing.assert_array_equal(zones.data, 0)
    assert len(lines.data) == 4
    hands.click("patchGrid")
    assert not [layer for layer in hands.viewer.layers if layer.name.startswith("patch ")]


def test_the_patch_under_the_cursor_is_framed(hands):
    hands.click("patchGrid")
    grid = hands.dock.grid.grid
    frame = hands.layer("patch under cursor")
    grid._on_move(hands.viewer, SimpleNamespace(position=(10, 6, 9)))
    # patches begin at 0 and 8: the centre at 8 is nearer than the one at 16
    assert grid.patch_at((5, 6, 9)) == Box((0, 0, 0), (16, 16, 16))
    assert len(frame.data) == 4
    np.testing.assert_allclose(frame.data[:, 0].min(axis=0), (5, -0.5, -0.5))
    grid._on_move(hands.viewer, SimpleNamespace(position=(10, 25, 9)))
    assert len(frame.data) == 0
    hands.viewer.dims.ndisplay = 3
    assert len(hands.layer("patch grid").data) > 4


def test_the_map_shows_the_rim_that_errs(hands):
    hands.until(lambda: bool(hands.dock.performance_view.profiles.profiles))
    profiles = hands.dock.performance_view.profiles.profiles
    assert list(profiles) == ["z", "y", "x"]
    for line in profiles.values():
        assert min(line[0], line[1], line[-1]) > line[3:-3].max()
    hands.click("performanceMap")
    layer = hands.layer("patch performance")
    assert layer.data.shape == (PATCH,) * 3
    assert layer.data[2:-2, 2:-2, 2:-2].max() == 0
    assert layer.data[0].mean() == pytest.approx(0.5, abs=0.1)
    assert layer.translate[2] > 32
    hands.click("performanceMap")
    assert layer not in hands.viewer.layers


def test_the_map_of_a_training_is_there_from_the_start(make_tune_hands, volume, tmp_path):  # noqa: F811
    performance = PatchPerformance("error_rate")
    errors = np.random.default_rng(0).random((3, PATCH, PATCH, PATCH))
    performance.add(errors)
    spec = ModelSpec(name="trained", n_spatial=3)
    save_torchscript(make_unet(1, 2, channels=(4, 8)), tmp_path / "net.pt", spec, performance=performance.state_dict())
    hands = make_tune_hands(volume)
    hands.dock.choose(model=str(tmp_path / "net.pt"))
    hands.until(lambda: bool(hands.dock.performance_view.profiles.profiles))
    np.testing.assert_allclose(hands.dock.performance_view.profiles.profiles["z"], errors.mean(axis=(0, 2, 3)))
    hands.click("performanceMap")
    np.testing.assert_allclose(hands.layer("patch performance").data, errors.mean(axis=0), rtol=1e-6)


def test_two_settings_are_compared(hands, volume):
    hands.click("keepA")
    hands.press("tuneOverlap", Qt.Key.Key_Home)
    hands.click("compareAB")
    hands.until(lambda: len(hands.dock.compare.layers) == 3)
    a, b, differ = hands.dock.compare.layers
    sizes = (PATCH,) * 3
    np.testing.assert_array_equal(a.data, expected(volume, Candidate(sizes, 0.5), Rim()))
    np.testing.assert_array_equal(b.data, expected(volume, Candidate(sizes, 0.0), Rim()))
    np.testing.assert_array_equal(differ.data, a.data != b.data)
    assert f"{np.mean(a.data != b.data):.2%}" in hands.message
    assert b.visible
    assert not a.visible
    a.opacity = 0.3
    assert b.opacity == 0.3
    assert not hands.layer("tuned labels").visible
    hands.click("compareAB")
    assert not [layer for layer in hands.viewer.layers if layer.name.startswith(("A", "B:"))]
    assert hands.layer("tuned labels").visible
