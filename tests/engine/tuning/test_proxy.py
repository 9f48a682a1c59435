"""Agreement with the consensus of the densest overlap ranks settings much as the truth does."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from napari_seamless.engine.tuning import Tuner
from napari_seamless.models import demo_model
from napari_seamless.models.adapter import TorchModel
from napari_seamless.recipe import make_settings
from napari_seamless.samples import brain

pytest.importorskip("nilearn")


class Remembering(nn.Module):
    """A network that evaluates equal patches once: both ways of scoring look at the same ones."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.known: dict[bytes, torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        key = x.contiguous().numpy().tobytes()
        if key not in self.known:
            self.known[key] = self.network(x)
        return self.known[key].clone()


@pytest.mark.slow
def test_on_the_brain() -> None:
    """Over every overlap and window but the consensus itself, whose agreement is 1 by definition."""
    image, truth = brain()
    settings = make_settings(patch_size=32, device="cpu")
    demo = demo_model()
    assert isinstance(demo.network, nn.Module)
    model = TorchModel(Remembering(demo.network), demo.spec)
    scores = []
    for labels in (truth, None):
        with Tuner(image, model, settings, "84:108,140:164,60:84", truth=labels, densest=0.5) as tuner:
            points = tuner.curve()
            assert [point.is_proxy for point in points] == [labels is None] * len(points)
            scores.append([point.dice for point in points if point.candidate != tuner.consensus])
    assert len(scores[0]) == 11
    assert spearmanr(*scores).statistic > 0.9
