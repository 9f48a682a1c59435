"""A person trains on a thread, and watches where in the patch the network errs."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from napari_seamless import TorchPatchPerformance
from napari_seamless.errors import SettingsError
from napari_seamless.live import follow_performance
from napari_seamless.quality import PatchPerformance

LOOK_SECONDS = 0.05
WAIT_MS = 20_000


class Training(threading.Thread):
    """Trains a small network, one step each time it is allowed to."""

    def __init__(self, n_axes: int, size: int, measure: str = "error_rate_with_logits") -> None:
        super().__init__(daemon=True)
        convolution = (torch.nn.Conv2d, torch.nn.Conv3d)[n_axes - 2]
        self.loss = TorchPatchPerformance.track(torch.nn.CrossEntropyLoss(), measure=measure)
        self.network = convolution(1, 2, 3, padding=1)
        self.shape = (size,) * n_axes
        self.allowed, self.steps = threading.Semaphore(0), 0
        self.ended = False

    def run(self) -> None:
        optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1)
        generator = torch.Generator().manual_seed(0)
        while self.allowed.acquire() and not self.ended:
            images = torch.rand(2, 1, *self.shape, generator=generator)
            optimizer.zero_grad()
            self.loss(self.network(images), (images[:, 0] > 0.5).long()).backward()
            optimizer.step()
            self.steps += 1

    def end(self) -> None:
        self.ended = True
        self.allowed.release()
        self.join()


@pytest.fixture
def viewer(no_threads_left, make_napari_viewer):
    return make_napari_viewer(show=True, strict_qt="raise")


@pytest.mark.parametrize("n_axes", [2, 3])
def test_the_map_follows_a_training(viewer, qtbot, n_axes: int) -> None:
    viewer.add_image(np.zeros((20,) * n_axes, np.float32), scale=(0.5,) * n_axes, units="um", name="cells")
    training = Training(n_axes, 8)
    training.start()
    follower = follow_performance(viewer, training.loss, seconds=LOOK_SECONDS)
    qtbot.wait(int(3000 * LOOK_SECONDS))
    assert [layer.name for layer in viewer.layers] == ["cells"], "nothing was seen yet"
    try:
        for steps in (1, 5):
            for _ in range(steps - training.steps):
                training.allowed.release()
            qtbot.waitUntil(lambda n=steps: training.steps == n, timeout=WAIT_MS)
            expected = training.loss.calculate_performance().numpy()
            qtbot.waitUntil(
                lambda m=expected: follower.layer is not None and _shows(follower.layer, m), timeout=WAIT_MS
            )
    finally:
        training.end()
    layer = viewer.layers["patch performance"]
    assert layer.colormap.name == "inferno"
    assert layer.contrast_limits[1] == pytest.approx(expected.max(), rel=1e-5)
    np.testing.assert_allclose(layer.scale, 0.5)
    assert layer.translate[-1] > 10, "beside the image, not over it"


def _shows(layer, values: np.ndarray) -> bool:
    return layer is not None and layer.data.shape == values.shape and np.allclose(layer.data, values, atol=1e-6)


def test_a_layer_that_is_removed_ends_it(viewer, qtbot) -> None:
    tracker = PatchPerformance("error_rate")
    tracker.add(np.ones((1, 4, 4)))
    follower = follow_performance(viewer, tracker, seconds=LOOK_SECONDS)
    qtbot.waitUntil(lambda: follower.layer is not None, timeout=WAIT_MS)
    viewer.layers.remove(follower.layer)
    tracker.add(np.zeros((1, 4, 4)))
    qtbot.waitUntil(lambda: not follower.following, timeout=WAIT_MS)
    assert len(viewer.layers) == 0


def test_a_tracker_that_is_reset_is_followed_on(viewer, qtbot) -> None:
    """Patches of another size may come then: the layer is made anew."""
    tracker = PatchPerformance("error_rate")
    tracker.add(np.ones((1, 4, 4)))
    follower = follow_performance(viewer, tracker, seconds=LOOK_SECONDS, spacing=(2, 1))
    qtbot.waitUntil(lambda: follower.layer is not None, timeout=WAIT_MS)
    np.testing.assert_allclose(follower.layer.scale, (2, 1))
    tracker.reset()
    tracker.add(np.zeros((3, 6, 6)))
    qtbot.waitUntil(lambda: follower.layer.data.shape == (6, 6), timeout=WAIT_MS)
    assert len(viewer.layers) == 1


def test_classes_are_an_axis_of_their_own(viewer, qtbot) -> None:
    viewer.add_image(np.zeros((9, 9), np.float32))
    training = Training(2, 8, "l2_with_logits")
    training.allowed.release()
    training.start()
    follower = follow_performance(viewer, training.loss, seconds=LOOK_SECONDS)
    qtbot.waitUntil(lambda: follower.layer is not None, timeout=WAIT_MS)
    training.end()
    assert follower.layer.data.shape == (2, 8, 8)
    assert follower.layer.axis_labels == ("c", "y", "x")


def test_the_window_waits_for_no_tracker(viewer, qtbot) -> None:
    """A tracker whose device is busy answers late; the event loop goes on meanwhile."""

    class Busy(PatchPerformance):
        def calculate_performance(self):
            assert threading.current_thread() is not threading.main_thread()
            answer.wait(20)
            return super().calculate_performance()

    answer, tracker = threading.Event(), Busy("error_rate")
    tracker.add(np.ones((1, 4, 4)))
    follower = follow_performance(viewer, tracker, seconds=LOOK_SECONDS)
    qtbot.wait(int(4000 * LOOK_SECONDS))
    assert follower.layer is None
    answer.set()
    qtbot.waitUntil(lambda: follower.layer is not None, timeout=WAIT_MS)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"tracker": torch.nn.CrossEntropyLoss()}, "TorchPatchPerformance.track"),
        ({"seconds": 0}, "seconds"),
        ({"spacing": (1, 0)}, "spacing"),
    ],
)
def test_what_makes_no_sense_is_said(viewer, options, word: str) -> None:
    tracker = options.pop("tracker", PatchPerformance("error_rate"))
    with pytest.raises(SettingsError, match=word):
        follow_performance(viewer, tracker, **options)
