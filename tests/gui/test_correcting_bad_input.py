"""What cannot work in the correcting dock is said in one sentence, and nothing painted is lost."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch
import zarr
from napari.utils.notifications import notification_manager
from tests.gui.correcting import CorrectHands, Learner, paint_both

from napari_seamless.training.chunk_files import ChunkFiles


@pytest.fixture(autouse=True)
def no_notifications():
    """Fail where napari had to show an error of ours."""
    before = len(notification_manager.records)
    yield
    assert [str(n) for n in notification_manager.records[before:]] == []


def assert_refused(hands: CorrectHands, *words: str) -> None:
    """Wait for one sentence in the message line that holds these words."""
    hands.until(lambda: hands.severity == "error" and all(word in hands.message for word in words))
    assert hands.find("message").isVisible()
    assert "Traceback" not in hands.message
    assert "\n" not in hands.message
    hands.until(lambda: not hands.dock.state.phase.busy)


def test_what_is_chosen_wrong(make_correct_hands, halves, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "file" / "a.corrections.zarr")
    assert_refused(hands, "cannot be written")
    assert "Corrections" not in hands.viewer.layers

    zarr.create_array(tmp_path / "other.zarr", shape=(4, 4, 4), dtype="u1", chunks=(4, 4, 4))
    hands.type("correctFolder", str(tmp_path / "other.zarr"))
    hands.open()
    assert_refused(hands, "(4, 4, 4)", "(24, 48, 48)")
    assert hands.session is None

    hands.type("correctFolder", str(tmp_path / "a.corrections.zarr"))
    hands.click("correctStart")
    hands.until(lambda: hands.session is not None)
    hands.click("refine")
    assert_refused(hands, "Nothing is painted")
    paint_both(hands)
    for rate, words in (("fast", "valid number"), ("-1", "greater than 0"), ("inf", "finite")):
        hands.find("learningRate").clear()
        hands.qtbot.keyClicks(hands.find("learningRate"), rate)
        hands.click("refine")
        assert_refused(hands, "learning_rate", words)

    monkeypatch.setattr(
        "napari_seamless._qt.correcting.states_controller.choose_network_output",
        lambda *_: str(tmp_path / "file" / "a.pt"),
    )
    hands.click("saveNetwork")
    assert_refused(hands, "a.pt cannot be written")


def test_a_network_without_weights(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, torch.nn.Softmax(dim=1))
    hands.start(tmp_path / "a.corrections.zarr")
    assert_refused(hands, "no weights to train")


def test_a_class_that_the_network_does_not_have(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    hands.click("class1")
    hands.paint_layer.selected_label = 9
    hands.stroke((20, 10), (20, 30))
    assert_refused(hands, "got 9")
    assert hands.session.painting.n_painted == {}
    hands.qtbot.wait(50)
    assert not hands.paint_layer._slice.image.raw.any(), "what is not kept is not shown"


def test_a_full_disk_loses_nothing(make_correct_hands, halves, tmp_path, monkeypatch):
    hands = make_correct_hands(halves, Learner())
    folder = tmp_path / "a.corrections.zarr"
    hands.start(folder)
    write = ChunkFiles.write

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ChunkFiles, "write", full)
    paint_both(hands)
    assert_refused(hands, "No space left", "stays in memory")
    hands.until(lambda: hands.dock.paint_view._remark.text() == "not saved")
    painted = np.asarray(hands.paint_layer.data[10])
    hands.find("correctFolder").clear()
    assert hands.session is None
    assert "lost" in hands.message
    assert hands.paint_layer.editable, "what cannot be saved yet can still be painted on"
    np.testing.assert_array_equal(hands.paint_layer.data[10], painted)
    monkeypatch.setattr(ChunkFiles, "write", write)
    hands.type("correctFolder", str(folder))
    hands.open()
    np.testing.assert_array_equal(zarr.open_array(folder, mode="r")[10], painted)
    np.testing.assert_array_equal(hands.paint_layer.data[10], painted)


def test_a_damaged_chunk(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    folder = tmp_path / "a.corrections.zarr"
    hands.start(folder)
    paint_both(hands)
    hands.find("correctFolder").clear()
    (chunk,) = (path for path in (folder / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"torn")
    hands.type("correctFolder", str(folder))
    hands.open()
    assert_refused(hands, "cannot be read")
    if hands.session is not None:
        hands.click("class1")
        hands.stroke((20, 10), (20, 30))
    assert chunk.read_bytes() == b"torn"


def test_scribbles_without_a_volume(make_correct_hands):
    hands = make_correct_hands()
    hands.pick("correctNetwork", "New")
    hands.until(lambda: hands.severity == "warning")
    assert "volume first" in hands.message
    assert not hands.find("correctStart").isEnabled()
