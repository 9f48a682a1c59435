"""What cannot work is said in one sentence, without a traceback, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from napari.utils.notifications import notification_manager
from tests.gui.hands import Hands, Threshold


class Halved(torch.nn.Module):
    """Returns every second voxel."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch[..., ::2, ::2, ::2]


class NotANumber(torch.nn.Module):
    """Returns NaN."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch * torch.nan


class Broken(torch.nn.Module):
    """Fails in a way that nobody foresaw."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("the weights\nare gone")


@pytest.fixture(autouse=True)
def no_notifications():
    """Fail where napari had to show an error of ours."""
    before = len(notification_manager.records)
    yield
    assert [str(n) for n in notification_manager.records[before:]] == []


def assert_refused(hands: Hands, *words: str) -> None:
    """Wait for one sentence in the message line that holds these words."""
    hands.until(lambda: hands.find("message").isVisible() and hands.severity == "error")
    text = hands.message
    assert "Traceback" not in text
    assert "\n" not in text
    for word in words:
        assert word in text
    assert not hands.dock.state.phase.busy


def ready(make_hands, image: np.ndarray, network: torch.nn.Module, patch: int = 16) -> Hands:
    hands = make_hands(image, network)
    hands.choose_network()
    hands.tile(patch)
    return hands


def test_a_path_that_does_not_exist(make_hands, tmp_path):
    hands = make_hands()
    hands.type("volumePath", str(tmp_path / "nothing.zarr"))
    assert_refused(hands, "nothing.zarr")
    assert not hands.find("run").isEnabled()


def test_a_path_that_is_no_volume(make_hands, tmp_path):
    (tmp_path / "letter.txt").write_text("dear reader")
    hands = make_hands()
    hands.type("volumePath", str(tmp_path / "letter.txt"))
    assert_refused(hands, "letter.txt")


def chunked(path: Path, volume: np.ndarray) -> None:
    array = zarr.create_array(
        path, shape=volume.shape, chunks=(16,) * 3, dtype=volume.dtype, dimension_names=("z", "y", "x"), fill_value=0
    )
    array[:] = volume


def open_path(hands: Hands, path: Path) -> None:
    hands.type("volumePath", str(path))
    hands.until(lambda: hands.dock.state.volume is not None)


def test_a_damaged_chunk_stops_the_run(make_hands, volume, tmp_path):
    chunked(tmp_path / "cells.zarr", volume)
    hands = make_hands(None, Threshold())
    open_path(hands, tmp_path / "cells.zarr")
    hands.choose_network()
    hands.tile(16)
    hands.wait_measured()
    (tmp_path / "cells.zarr" / "c" / "1" / "1" / "1").write_bytes(b"not what a codec wrote")
    hands.click("run")
    assert_refused(hands, "cells", "chunk")


def test_a_missing_chunk_is_said(make_hands, volume, tmp_path):
    chunked(tmp_path / "cells.zarr", volume)
    hands = make_hands(None, Threshold())
    (tmp_path / "cells.zarr" / "c" / "1" / "1" / "1").unlink()
    open_path(hands, tmp_path / "cells.zarr")
    hands.choose_network()
    hands.tile(16)
    hands.click("run")
    hands.until(lambda: hands.severity == "warning" and not hands.dock.state.phase.busy)
    assert "1 chunk" in hands.message
    assert not np.asarray(hands.result.data)[16:, 16:, 16:].any()


def test_a_patch_larger_than_the_volume(make_hands, volume):
    hands = ready(make_hands, volume, Threshold(), patch=64)
    assert_refused(hands, "64", "32")
    hands.click("run")
    assert hands.result is None
    hands.type("patch0", "16")
    hands.until(lambda: hands.message == "")


@pytest.mark.parametrize("overlap", [1.0, -0.1])
def test_an_overlap_that_no_grid_has(make_hands, volume, overlap):
    hands = ready(make_hands, volume, Threshold())
    slider = hands.find("overlap")
    slider.setValue(round(100 * overlap))
    assert 0 <= hands.dock.state.values["overlap"] < 1  # the slider ends before
    hands.dock.tiling_view.setting_changed.emit("overlap", overlap)
    assert_refused(hands, "overlap", f"{overlap:g}")


def test_a_memory_budget_that_is_no_size(make_hands, volume):
    hands = ready(make_hands, volume, Threshold())
    hands.click("disclosure")
    hands.type("memoryBudget", "plenty")
    assert_refused(hands, "memory_budget", "plenty")


def test_a_network_whose_channels_do_not_fit(make_hands, volume):
    hands = make_hands(volume, torch.nn.Conv3d(3, 2, 1))
    hands.choose_network()
    assert_refused(hands, "3", "channels")


def test_a_file_that_is_no_network(make_hands, volume, tmp_path, monkeypatch):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"nothing that torch wrote")
    monkeypatch.setattr("napari_seamless._qt.views.browse.choose_file", lambda *_: str(path))
    hands = make_hands(volume, Threshold())
    hands.click("networkBrowse")
    assert_refused(hands, "weights.pt")
    hands.choose_network()
    assert hands.message == ""


@pytest.mark.parametrize(("network", "word"), [(Halved(), "shape"), (NotANumber(), "NaN"), (Broken(), "gone")])
def test_a_network_that_returns_nonsense(make_hands, volume, tmp_path, network, word):
    hands = ready(make_hands, volume, network)
    hands.type("outputPath", str(tmp_path / "out.zarr"))
    hands.click("run")
    assert_refused(hands, word)
    assert not (tmp_path / "out.zarr").exists()
    assert hands.result is None


@pytest.mark.parametrize(("network", "word"), [(Halved(), "shape"), (Broken(), "gone")])
def test_the_measurement_already_says_that_a_network_fails(make_hands, volume, network, word):
    hands = ready(make_hands, volume, network)
    assert_refused(hands, word)


def test_an_output_that_exists(make_hands, volume, tmp_path):
    (tmp_path / "out.zarr").mkdir()
    (tmp_path / "out.zarr" / "precious").write_text("keep me")
    hands = ready(make_hands, volume, Threshold())
    hands.type("outputPath", str(tmp_path / "out.zarr"))
    hands.click("run")
    assert_refused(hands, "out.zarr", "exists")
    assert (tmp_path / "out.zarr" / "precious").read_text() == "keep me"


def test_an_earlier_result_may_be_overwritten(make_hands, volume, tmp_path):
    hands = ready(make_hands, volume, Threshold())
    hands.type("outputPath", str(tmp_path / "out.zarr"))
    hands.click("run")
    hands.wait_idle()
    assert hands.severity == "done"
    hands.click("run")
    assert_refused(hands, "out.zarr", "exists")
    hands.pick("ifExists", "overwrite")
    hands.click("run")
    hands.wait_idle()
    assert hands.severity == "done"


def test_a_disk_that_cannot_be_written(make_hands, volume, tmp_path):
    (tmp_path / "file").write_text("no folder")
    hands = ready(make_hands, volume, Threshold())
    hands.type("outputPath", str(tmp_path / "file" / "out.zarr"))
    hands.click("run")
    assert_refused(hands, "out.zarr")
    assert hands.result is None


def test_a_full_disk(make_hands, volume, tmp_path, monkeypatch):
    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    hands = ready(make_hands, volume, Threshold())
    hands.type("outputPath", str(tmp_path / "out.zarr"))
    monkeypatch.setattr("zarr.storage.LocalStore.set", write)
    hands.click("run")
    assert_refused(hands, "out.zarr")


def test_a_layer_that_cannot_be_segmented(make_hands):
    hands = make_hands(None, Threshold())
    hands.viewer.add_image(np.zeros((2, 3, 8, 8, 8), np.float32), name="film")
    assert_refused(hands, "film", "axes")
    assert not hands.find("run").isEnabled()
