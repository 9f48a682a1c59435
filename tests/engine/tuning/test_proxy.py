"""Agreement with the consensus of the densest overlap ranks settings much as the truth does."""

from __future__ import annotations

import pytest
from scipy.stats import spearmanr

from napari_seamless.engine.tuning import Tuner
from napari_seamless.recipe import make_settings
from napari_seamless.samples import brain

pytest.importorskip("nilearn")


@pytest.mark.slow
def test_on_the_brain() -> None:
    """Over every overlap and window but the consensus itself, whose agreement is 1 by definition."""
    image, truth = brain()
    settings = make_settings(patch_size=32, device="cpu")
    scores = []
    for labels in (truth, None):
        with Tuner(image, "demo", settings, "84:108,140:164,60:84", truth=labels, densest=0.5) as tuner:
            points = tuner.curve()
            assert [point.is_proxy for point in points] == [labels is None] * len(points)
            scores.append([point.dice for point in points if point.candidate != tuner.consensus])
    assert len(scores[0]) == 11
    assert spearmanr(*scores).statistic > 0.9
