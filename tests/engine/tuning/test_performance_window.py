"""A window made of errors on one region is one of the windows of another region's curve, and a proxy ranks settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_seamless import segment
from napari_seamless.engine.tuning import WINDOWS, Candidate, Tuner
from napari_seamless.plan import window_array
from napari_seamless.quality import InverseError
from napari_seamless.recipe import make_settings
from napari_seamless.types import Window

SHAPE, PATCH = (96, 80), 16
FIT = InverseError(smoothing=0, floor=1e-3)


def truth_and_image() -> tuple[np.ndarray, np.ndarray]:
    """Return random labels, and their image: the label is the value."""
    labels = (np.random.default_rng(0).random(SHAPE) < 0.5).astype(np.uint8)
    return labels, labels.astype(np.float32)


def bad_left_edge(batch: torch.Tensor) -> torch.Tensor:
    """Know every label, but in the first three columns of a patch say the opposite of every third row."""
    scores = torch.cat([1 - batch, batch], dim=1).clone()
    scores[..., ::3, :3] = scores[..., ::3, :3].flip(1)
    return scores


def tuner_on(region: str, **options: object) -> Tuner:
    labels, image = truth_and_image()
    settings = make_settings(patch_size=PATCH, device="cpu")
    return Tuner(image, bad_left_edge, settings, region, truth=labels, **options)


def test_weights_are_the_inverse_of_what_the_network_gets_wrong() -> None:
    with tuner_on("0:48,:") as tuner:
        candidate = Candidate((PATCH,), 0.5)
        tuner.evaluate(candidate)
        window = tuner.performance_window(candidate, fit=InverseError(smoothing=0, floor=1e-3, symmetric=False))
    wrong = np.zeros((PATCH, PATCH), bool)
    wrong[::3, :3] = True
    np.testing.assert_allclose(window_array(window, (PATCH, PATCH)), np.where(wrong, 1e-3, 1), rtol=1e-6)


@pytest.mark.parametrize("measure", ["error_rate", "l2"])
def test_it_is_one_of_the_windows_of_another_regions_curve(measure: str) -> None:
    """The network errs to the left alone; a window that knows it hides all of it where patches overlap."""
    fit = InverseError(smoothing=0, floor=1e-3, symmetric=False)
    with tuner_on("0:48,:") as tuner:
        tuner.evaluate(Candidate((PATCH,), 0.5))
        window = tuner.performance_window(Candidate((PATCH,), 0.5), measure, fit)
    with tuner_on("48:96,16:80") as tuner:
        points = tuner.curve(tuner.candidates(windows=(*WINDOWS, window)))
        own = [point for point in points if point.candidate.window == window and point.overlap == 0.5]
        blended = tuner.blend(own[0].candidate)
    constant = next(point for point in points if point.window == "constant" and point.overlap == 0.5)
    assert len(points) == 20
    assert own[0].dice == 1 > constant.dice
    labels, image = truth_and_image()
    run = segment(image, bad_left_edge, patch_size=PATCH, overlap=0.5, border="edge", window=window, device="cpu")
    np.testing.assert_array_equal(blended.labels, np.asarray(run.array)[48:96, 16:80])
    np.testing.assert_array_equal(blended.labels, labels[48:96, 16:80])


def test_a_map_with_an_axis_of_classes_is_averaged_over_it() -> None:
    with tuner_on("0:48,:") as tuner:
        tuner.evaluate(Candidate((PATCH,), 0.5))
        by_class = tuner.performance(Candidate((PATCH,), 0.5), "l2").mean
        window = tuner.performance_window(Candidate((PATCH,), 0.5), "l2", FIT)
    assert by_class.shape == (2, PATCH, PATCH)
    assert window.size == (PATCH, PATCH)


def test_factors_have_the_bytes_of_a_run_and_the_values_of_their_product() -> None:
    factors = np.linspace(0.2, 1, PATCH), 1 + np.arange(PATCH) % 3
    window = Window.from_factors(*factors)
    candidate = Candidate((PATCH,), 0.5, "edge", window)
    with tuner_on("48:96,16:80") as tuner:
        tuner.evaluate(candidate)
        blended = tuner.blend(candidate).probabilities
    _, image = truth_and_image()
    runs = [
        np.asarray(
            segment(
                image,
                bad_left_edge,
                patch_size=PATCH,
                overlap=0.5,
                border="edge",
                window=chosen,
                region="48:96,16:80",
                write="probabilities",
                device="cpu",
            ).array
        )
        for chosen in (window, Window.from_array(np.outer(*factors)))
    ]
    np.testing.assert_array_equal(blended, runs[0])
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-6)
