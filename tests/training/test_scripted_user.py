"""A scripted user paints under 1% of a brain where a weakened network is wrong, and the network gets better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.scripted_user import User, mean_dice, predict, weakened

from napari_seamless import open_volume, samples
from napari_seamless.engine.threads import single_threaded
from napari_seamless.models import MeshNet, TorchModel
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.history import History
from napari_seamless.training.painting import Painting
from napari_seamless.training.refine_settings import make_refine_settings
from napari_seamless.training.refining import Refiner
from napari_seamless.types import Box, ModelSpec

CLASSES = ("background", "white matter", "grey matter")
LEARNT, CORRECTED, HELD_OUT = (
    Box((60, 40, 20), (92, 104, 84)),
    Box((76, 110, 40), (108, 174, 104)),
    Box((110, 60, 50), (142, 124, 114)),
)
RUN = {"patch_size": 32, "overlap": 0.0}


@pytest.fixture(scope="module")
def brain() -> tuple[np.ndarray, np.ndarray]:
    """Return intensities in [0, 1] and labels."""
    pytest.importorskip("nilearn")
    image, labels = samples.brain()
    return np.asarray(image.data, np.float32) / 255, np.asarray(labels.data)


@pytest.fixture(scope="module")
@single_threaded()  # small operations on several threads wait for each other
def weak(brain: tuple[np.ndarray, np.ndarray]) -> TorchModel:
    """Train a small network on one part of the brain, and weaken it."""
    image, labels = (torch.from_numpy(array[LEARNT.slices].copy()) for array in brain)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MeshNet(1, 3, 8, dilations=(1, 2, 1))
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    rng = np.random.default_rng(0)
    for _ in range(40):
        at = tuple(slice(a, a + 20) for a in (rng.integers(0, n - 19) for n in image.shape))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(image[at][None, None]), labels[at][None].long()).backward()
        optimizer.step()
    spec = ModelSpec(name="small", n_spatial=3, in_channels=1, out_channels=3, classes=CLASSES, activation="softmax")
    return weakened(TorchModel(network, spec), amount=0.5)


@pytest.mark.slow
def test_dice_rises_on_what_was_corrected_and_on_what_was_not_seen(
    brain: tuple[np.ndarray, np.ndarray], weak: TorchModel, tmp_path: Path
) -> None:
    parts = {box: (open_volume(brain[0][box.slices]), brain[1][box.slices]) for box in (CORRECTED, HELD_OUT)}
    whole = Box((0, 0, 0), CORRECTED.shape)

    def dice(model: TorchModel) -> list[float]:
        return [mean_dice(predict(image, model, whole, **RUN), truth, CLASSES) for image, truth in parts.values()]

    image, truth = parts[CORRECTED]
    before = dice(weak)
    rng, user = np.random.default_rng(0), User(strokes=12, radius=4)
    settings = make_refine_settings(steps=25, patch_size=20, learning_rate=5e-3, schedule="cosine", device="cpu")
    with Painting(tmp_path / "brain.corrections.zarr", Canvas.of(image, CLASSES)) as painting:
        refiner = Refiner(image, weak, painting, history=History(tmp_path / "networks"))
        for _ in range(2):
            prediction = predict(image, refiner.network(), whole, **RUN)
            user.paint(painting, truth, prediction, whole, rng)
            refiner.run(settings)
        n_painted = sum(painting.n_painted.values())
    after = dice(refiner.network())

    assert n_painted < 0.01 * image.data.size
    assert after[0] - before[0] >= 0.05
    assert after[1] - before[1] >= 0.05
    refiner.go_back(0)
    assert dice(refiner.network()) == before
