"""A blend from kept predictions has the bytes of a run with the same settings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tests.engine.networks import image, local_network

from napari_seamless import segment
from napari_seamless.engine.tuning import Candidate, Tuner
from napari_seamless.recipe import make_settings
from napari_seamless.types import Box, Window

FLAT = ((50, 61), Box((7, 20), (41, 61)))
DEEP = ((26, 24, 29), Box((5, 0, 8), (17, 15, 29)))
WINDOWS = ("gaussian", "constant", "hann", "triangle")


def tuner_of(case, *, patch: int = 16, network=None, **options) -> Tuner:
    shape, region = case
    network = network or local_network(len(shape))
    return Tuner(image(shape), network, make_settings(patch_size=patch, device="cpu"), region, **options)


def run(case, candidate: Candidate, write: str, network=None) -> np.ndarray:
    shape, region = case
    result = segment(
        image(shape),
        network or local_network(len(shape)),
        patch_size=candidate.patch_size,
        overlap=candidate.overlap,
        border=candidate.border,
        window=candidate.window,
        region=region,
        write=write,
        device="cpu",
    )
    return np.asarray(result.array)


def assert_equal_to_a_run(tuner: Tuner, case, candidate: Candidate) -> None:
    tuner.evaluate(candidate)
    blended = tuner.blend(candidate)
    assert blended.complete
    np.testing.assert_array_equal(blended.probabilities, run(case, candidate, "probabilities"))
    np.testing.assert_array_equal(blended.labels, blended.probabilities.argmax(axis=0))


@pytest.mark.parametrize("border", ["edge", "squeeze", "adaptive", "crop", "pad"])
@pytest.mark.parametrize("case", [FLAT, DEEP], ids=["2D", "3D"])
def test_every_overlap_and_window(case, border: str) -> None:
    overlaps = (0.0, 0.25, 0.5, 0.75) if case is FLAT else (0.0, 0.5)
    with tuner_of(case) as tuner:
        for i, (overlap, window) in enumerate(itertools.product(overlaps, WINDOWS)):
            if i % 3 == 0:
                assert_equal_to_a_run(tuner, case, Candidate((16,), overlap, border, window))


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.75])
def test_labels_are_those_of_a_run(overlap: float) -> None:
    candidate = Candidate((16,), overlap, "edge", "hann")
    with tuner_of(FLAT) as tuner:
        tuner.evaluate(candidate)
        np.testing.assert_array_equal(tuner.blend(candidate).labels, run(FLAT, candidate, "labels"))


@pytest.mark.parametrize("patch", [(16, 16), (12, 20), (24, 9)])
def test_other_patch_sizes_beside_each_other(patch: tuple[int, int]) -> None:
    with tuner_of(FLAT) as tuner:
        tuner.evaluate(Candidate((16,), 0.5))
        assert_equal_to_a_run(tuner, FLAT, Candidate(patch, (0.5, 0.25)))


def test_predictions_on_disk_give_the_same_bytes() -> None:
    candidate = Candidate((16,), 0.75)
    with tuner_of(FLAT, cache_bytes=20_000) as tuner:
        assert_equal_to_a_run(tuner, FLAT, candidate)
        held, spilled = tuner.held_bytes
        assert 0 < held <= 20_000
        assert spilled > 0


def test_a_window_of_weights() -> None:
    weights = np.random.default_rng(0).random((16, 16)) + 0.1
    with tuner_of(FLAT) as tuner:
        assert_equal_to_a_run(tuner, FLAT, Candidate((16,), 0.5, "edge", Window.from_array(weights)))


def test_a_network_with_one_channel_has_a_threshold() -> None:
    def network(batch: torch.Tensor) -> torch.Tensor:
        return batch * 0.9

    with tuner_of(FLAT, network=network) as tuner:
        candidate = Candidate((16,), 0.5, "edge", "hann")
        tuner.evaluate(candidate)
        np.testing.assert_array_equal(tuner.blend(candidate).labels, run(FLAT, candidate, "labels", network))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_thin_box_is_a_slice_of_the_region(axis: int) -> None:
    region = DEEP[1]
    candidate = Candidate((16,), 0.75)
    with tuner_of(DEEP) as tuner:
        tuner.evaluate(candidate)
        whole = tuner.blend(candidate)
        start, stop = list(region.start), list(region.stop)
        start[axis] += 4
        stop[axis] = start[axis] + 1
        thin = tuner.blend(candidate, Box(tuple(start), tuple(stop)))
        here = Box(tuple(start), tuple(stop)).within(region.start).slices
        np.testing.assert_array_equal(thin.probabilities, whole.probabilities[(slice(None), *here)])
        np.testing.assert_array_equal(thin.seam, whole.seam[here])
        np.testing.assert_array_equal(thin.patches, whole.patches[here])


@pytest.mark.parametrize("case", [FLAT, DEEP], ids=["2D", "3D"])
@pytest.mark.parametrize("there", [0.75, 0.5])
def test_a_preview_is_every_so_manieth_voxel_of_the_blend(case, there: float) -> None:
    """Also where patches are missing: half of the overlap stands for all of it."""
    candidate, every = Candidate((16,), 0.75, "edge", "hann"), 3
    with tuner_of(case) as tuner:
        tuner.evaluate(Candidate((16,), there))
        whole, preview = tuner.blend(candidate), tuner.blend(candidate, every=every)
    thin = (slice(None, None, every),) * len(case[0])
    assert preview.every == every
    assert whole.complete is (there == 0.75)
    for name in ("labels", "seam", "patches", "covered"):
        np.testing.assert_array_equal(getattr(preview, name), getattr(whole, name)[thin])
    np.testing.assert_array_equal(preview.probabilities, whole.probabilities[(slice(None), *thin)])


def test_the_seam_is_the_weighted_deviation_of_the_patches() -> None:
    """Computed patch by patch in float64, from the network alone."""
    shape, region = FLAT
    candidate = Candidate((16,), 0.5, "edge", "triangle")
    with tuner_of(FLAT) as tuner:
        tuner.evaluate(candidate)
        seam = tuner.blend(candidate).seam
        plan = tuner.plan(candidate)
    voxels = torch.from_numpy(np.asarray(image(shape).data[...]))
    ramp = 1 - np.abs(2 * np.arange(16) - 15) / 16
    window = np.outer(ramp, ramp)
    weights, sums, squares = np.zeros(shape), np.zeros((3, *shape)), np.zeros((3, *shape))
    for index in itertools.product(*map(range, plan.grid_shape)):
        box = plan.patch_box(index).slices
        with torch.inference_mode():
            values = local_network(2)(voxels[box][None, None])[0].double().numpy()
        weights[box] += window
        sums[(slice(None), *box)] += window * values
        squares[(slice(None), *box)] += window * values**2
    variance = squares / weights - (sums / weights) ** 2
    expected = np.sqrt(np.maximum(variance, 0)).max(axis=0)[region.slices]
    np.testing.assert_allclose(seam, expected, atol=1.5e-3)
    assert expected.max() > 0.005


def test_coarser_steps_need_hardly_a_patch_more() -> None:
    with tuner_of(FLAT) as tuner:
        tuner.evaluate(Candidate((16,), 0.75))
        assert [tuner.missing(Candidate((16,), overlap)) for overlap in (0, 0.25, 0.5, 0.75)] == [0, 0, 0, 0]
        assert tuner.missing(Candidate((16,), 0.5, "squeeze")) > 0


def test_what_is_there_is_shown_before_all_is() -> None:
    """After a pass at a coarse step, a finer one is a blend of what is there."""
    fine, coarse = Candidate((16,), 0.75), Candidate((16,), 0.25)
    with tuner_of(FLAT) as tuner:
        tuner.evaluate(coarse)
        before = tuner.blend(fine)
        assert not before.complete
        exact = tuner.blend(coarse)
        np.testing.assert_allclose(before.probabilities, exact.probabilities, atol=1e-6)
        covered = before.covered.copy()
        tuner.evaluate(fine)
        after = tuner.blend(fine)
        assert after.complete
        np.testing.assert_array_equal(before.probabilities[:, covered], after.probabilities[:, covered])
