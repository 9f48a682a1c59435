"""The bundled network is small, and good enough that patch size and overlap matter visibly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_seamless import segment
from napari_seamless.models import MeshNet, demo_model, demo_spec, load_model
from napari_seamless.models.demo import DEMO_FILE


def test_it_is_small_and_says_what_it_needs() -> None:
    model = demo_model()
    assert isinstance(model.network, nn.Module)
    assert sum(p.numel() for p in model.network.parameters()) < 100_000
    assert DEMO_FILE.stat().st_size < 10**6
    assert model.spec.classes == ("background", "white matter", "grey matter")
    assert (model.spec.in_channels, model.spec.n_spatial, model.spec.activation) == (1, 3, "softmax")
    assert model.spec.normalization.kind == "minmax"


def test_its_description_needs_no_weights_and_names_the_file_by_its_hash() -> None:
    spec = demo_spec()
    assert spec == demo_model().spec == load_model("demo").spec
    assert spec.source == "demo"
    assert spec.sha256 is not None
    assert len(spec.sha256) == 64


def test_it_returns_probabilities_of_three_classes() -> None:
    output = demo_model()(torch.rand(1, 1, 20, 16, 24))
    assert output.shape == (1, 3, 20, 16, 24)
    torch.testing.assert_close(output.sum(1), torch.ones(1, 20, 16, 24))
    assert isinstance(demo_model().network, MeshNet)


def dice(labels: np.ndarray, truth: np.ndarray, label: int) -> float:
    return float(2 * np.sum((labels == label) & (truth == label)) / (np.sum(labels == label) + np.sum(truth == label)))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_template_scores_well_and_small_patches_do_not() -> None:
    from napari_seamless import samples

    image, reference = samples.brain()
    truth = np.asarray(reference.data[...])
    whole = segment(image, "demo", patch_size=image.spatial_shape, device="cpu")
    scores = [dice(np.asarray(whole.array), truth, label) for label in (1, 2)]
    assert scores[0] >= 0.90
    assert scores[1] >= 0.85
    small = segment(image, "demo", patch_size=64, overlap=0.0, border="edge", device="cpu")
    for label, score in zip((1, 2), scores, strict=True):
        assert dice(np.asarray(small.array), truth, label) <= 0.80 * score
