"""What the tuner recommends, refuses, tells and leaves behind."""

from __future__ import annotations

import gc
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.engine.networks import Counting, image, numbered

from napari_seamless.engine import Control, Measuring, Progress, Warned
from napari_seamless.engine.tuning import Candidate, Tuner, advise, lattice_candidates
from napari_seamless.engine.tuning import spill as spill_module
from napari_seamless.errors import (
    GeometryError,
    ModelError,
    RunCancelledError,
    SettingsError,
    StorageError,
    VolumeError,
)
from napari_seamless.models import TorchModel
from napari_seamless.recipe import make_settings
from napari_seamless.types import Box, ModelSpec, Normalization

SHAPE = (64, 72)
REGION = Box((8, 12), (56, 60))
SETTINGS = make_settings(patch_size=16, device="cpu")


def pointwise(batch: torch.Tensor) -> torch.Tensor:
    """Every voxel by itself, whatever the patch."""
    return torch.cat([1 - batch, batch], 1)


class BadBorders:
    """Right inside, and the opposite in so many voxels at each border of the patch."""

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        inside = torch.zeros_like(batch, dtype=torch.bool)
        inside[..., self.width : -self.width, self.width : -self.width] = True
        foreground = (batch > 0.5) == inside
        return torch.cat([~foreground, foreground], 1).float()


def truth() -> np.ndarray:
    return (np.asarray(image(SHAPE).data[...]) > 0.5).astype(np.uint8)


def tuner(network=pointwise, region: Box | str = REGION, **options) -> Tuner:
    return Tuner(image(SHAPE), network, options.pop("settings", SETTINGS), region, **options)


def timed(points):
    """Replace predicted times by the number of patches: what is tested here is the choice, not the clock."""
    import dataclasses

    return [dataclasses.replace(point, seconds=float(point.patches)) for point in points]


def test_no_overlap_where_the_error_does_not_depend_on_the_coordinate() -> None:
    with tuner(truth=truth()) as tuned:
        advice = advise(timed(tuned.curve()))
    assert advice.recommended.overlap == 0
    assert advice.recommended.dice == 1
    assert "nothing is given up" in advice.sentence


@pytest.mark.parametrize(("width", "overlap"), [(1, 0.25), (2, 0.25), (4, 0.5)])
def test_the_smallest_overlap_that_hides_bad_borders(width: int, overlap: float) -> None:
    """A step of 16 - 2 * width leaves no voxel that is only ever at a border."""
    with tuner(BadBorders(width), truth=truth()) as tuned:
        points = timed(tuned.curve())
        advice = advise(points)
    assert advice.recommended.overlap == overlap
    assert advice.recommended.dice > 0.99
    assert all(point.dice < 0.99 * advice.recommended.dice for point in points if point.overlap < overlap)
    assert [point.overlap for point in advice.pareto][-1] >= overlap


def test_without_truth_the_consensus_of_the_densest_overlap_is_the_measure() -> None:
    with tuner(BadBorders(2)) as tuned:
        points = timed(tuned.curve())
        assert not tuned.has_truth
        assert tuned.consensus == Candidate((16, 16), 0.75, "edge", "gaussian")
    assert all(point.is_proxy for point in points)
    (same,) = [point for point in points if point.candidate == tuned.consensus]
    assert same.dice == 1
    assert "proxy" in advise(points).sentence


def test_scores_are_those_of_the_labels() -> None:
    """Dice and surface Dice against a plain count on the labels that the blend gives."""
    candidate = Candidate((16,), 0.25, "edge", "constant")
    with tuner(BadBorders(3), truth=truth()) as tuned:
        point = tuned.score(candidate)
        labels = tuned.blend(candidate).labels.astype(bool)
        whole = tuned.plan(candidate, whole=True)
    right = truth()[REGION.slices].astype(bool)
    assert point.dice == pytest.approx(2 * (labels & right).sum() / (labels.sum() + right.sum()))
    assert point.dice_per_class == {"class 1": point.dice}
    assert point.patches == whole.n_patches == 5 * 6
    assert point.efficiency == pytest.approx(point.dice / point.seconds)
    assert point.to_dict()["patch_size"] == [16, 16]


def test_every_patch_is_evaluated_once_for_the_whole_curve() -> None:
    network = Counting(pointwise)
    with Tuner(numbered(SHAPE), network, SETTINGS, REGION) as tuned:
        densest = tuned.plan(tuned.consensus).n_patches
        tuned.curve()
        assert len(network.corners) == len(set(network.corners))
        assert len(network.corners) == densest
        before = len(network.corners)
        missing = tuned.missing(Candidate((16,), 0.5, "squeeze"))
        tuned.score(Candidate((16,), 0.5, "squeeze"))
        assert len(network.corners) == before + missing


def test_points_come_in_the_order_of_the_candidates_and_are_told_as_they_are_known() -> None:
    candidates = list(lattice_candidates((16, 16), windows=("hann",)))
    told = []
    with tuner() as tuned:
        points = tuned.curve(candidates, told.append)
    assert [point.candidate for point in points] == candidates
    assert [point.overlap for point in told] == [0.75, 0.5, 0.25, 0.0]


def test_progress_and_intensities_are_told_and_measured_once() -> None:
    model = TorchModel(pointwise, ModelSpec(name="network", n_spatial=2, normalization=Normalization(kind="minmax")))
    events = []
    with tuner(model) as tuned:
        tuned.evaluate(Candidate((16,), 0.5), on_progress=events.append)
        n = tuned.plan(Candidate((16,), 0.5)).n_patches
        first = len([event for event in events if isinstance(event, Measuring)])
        tuned.evaluate(Candidate((16,), 0.75), on_progress=events.append)
    assert first > 0
    assert len([event for event in events if isinstance(event, Measuring)]) == first
    counts = [(event.done, event.total) for event in events if isinstance(event, Progress)]
    assert counts[:n] == [(i + 1, n) for i in range(n)]


def test_what_is_in_sight_comes_first() -> None:
    network = Counting(pointwise)
    control = Control()
    control.look_at(Box((50, 54), (52, 56)))
    with Tuner(numbered(SHAPE), network, SETTINGS, REGION) as tuned:
        candidate = Candidate((16,), 0.5)
        tuned.evaluate(candidate, control=control)
        plan = tuned.plan(candidate)
    seen = [c for c in network.corners if 34 < c // SHAPE[1] < 52 and 38 < c % SHAPE[1] < 56]
    assert 1 <= len(seen) < plan.n_patches
    assert set(seen) <= set(network.corners[: len(seen) + 2])  # two threads may overtake each other


def test_cancelling_keeps_what_was_evaluated() -> None:
    control, candidate = Control(), Candidate((16,), 0.75)

    def stop(event: object) -> None:
        if isinstance(event, Progress) and event.done == 5:
            control.cancel()

    with tuner() as tuned:
        with pytest.raises(RunCancelledError):
            tuned.evaluate(candidate, on_progress=stop, control=control)
        assert tuned.plan(candidate).n_patches - tuned.missing(candidate) == 5
        assert tuned.predict(candidate).seconds > 0
        tuned.evaluate(candidate)
        assert tuned.missing(candidate) == 0


def test_blending_goes_on_while_patches_are_evaluated() -> None:
    candidate, errors, blends = Candidate((16,), 0.75), [], []
    network = Counting(pointwise, seconds=0.002)
    with tuner(network) as tuned:
        tuned.evaluate(Candidate((16,), 0.0))

        def work() -> None:
            try:
                tuned.evaluate(candidate)
            except Exception as error:  # noqa: BLE001  shown by the assertion below
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive():
            blends.append(tuned.blend(candidate).covered.mean())
        thread.join()
    assert errors == []
    assert blends == sorted(blends)
    assert blends[0] < 1


def test_warnings_of_the_network_are_kept() -> None:
    settings = make_settings(patch_size=16, device="cpu", precision="bfloat16")
    events = []

    def fussy(batch: torch.Tensor) -> torch.Tensor:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no 16 bits here")
        return pointwise(batch)

    with tuner(fussy, settings=settings) as tuned:
        tuned.evaluate(Candidate((16,), 0.0), on_progress=events.append)
        assert [event.text for event in events if isinstance(event, Warned)] == list(tuned.warnings)
        assert "float32" in tuned.warnings[0]


def test_the_scratch_folder_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with tuner(cache_bytes=1) as tuned:
        tuned.evaluate(Candidate((16,), 0.5))
        assert len(list(tmp_path.iterdir())) == 1
        assert tuned.held_bytes[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_the_scratch_folder_of_a_forgotten_tuner_vanishes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    forgotten = tuner(cache_bytes=1)
    forgotten.evaluate(Candidate((16,), 0.5))
    assert len(list(tmp_path.iterdir())) == 1
    del forgotten
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_cache_over_its_budget_without_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(spill_module.shutil, "disk_usage", lambda _: Usage)
    with (
        tuner(cache_bytes=1) as tuned,
        pytest.raises(
            StorageError, match=r"exceed their cache by .* MiB, .* choose a smaller region, raise cache_bytes"
        ),
    ):
        tuned.evaluate(Candidate((16,), 0.5))


def test_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill_module.Spill, "_append", full)
    with tuner(cache_bytes=1) as tuned, pytest.raises(StorageError, match=r"No space left on device.*free disk space"):
        tuned.evaluate(Candidate((16,), 0.5))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"region": "0:16,60:80"}, GeometryError, "reaches outside the volume along x"),
        ({"truth": np.zeros((64, 71), np.uint8)}, VolumeError, "truth has the shape 64 x 71"),
        ({"truth": np.zeros(SHAPE, np.uint8)}, VolumeError, r"no foreground in truth; choose a region where"),
        ({"truth": np.full(SHAPE, 0.5)}, VolumeError, "not whole numbers"),
        ({"cache_bytes": 0}, SettingsError, "cache_bytes must be at least 1"),
    ],
    ids=["outside", "shape", "no foreground", "no labels", "no cache"],
)
def test_refused_at_once(options: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        tuner(**options)


def test_a_truth_with_unknown_labels() -> None:
    with tuner(truth=truth() * 7) as tuned, pytest.raises(VolumeError, match=r"label 7 .* have the labels 0 to 1"):
        tuned.score(Candidate((16,), 0.0))


def test_a_truth_with_unknown_labels_is_refused_at_once_where_the_network_says_its_classes() -> None:
    model = TorchModel(pointwise, ModelSpec(name="network", n_spatial=2, out_channels=2))
    with pytest.raises(VolumeError, match="label 7"):
        tuner(model, truth=truth() * 7)


def test_a_consensus_without_foreground() -> None:
    def nothing(batch: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.ones_like(batch), torch.zeros_like(batch)], 1)

    with tuner(nothing) as tuned, pytest.raises(VolumeError, match="nothing but background"):
        tuned.curve()


def test_what_cannot_be_asked_yet() -> None:
    candidate = Candidate((16,), 0.5)
    with tuner() as tuned:
        with pytest.raises(SettingsError, match="evaluate a candidate first"):
            tuned.blend(candidate)
        with pytest.raises(SettingsError, match="patches of its size"):
            tuned.predict(candidate)
        tuned.evaluate(candidate)
        with pytest.raises(GeometryError, match="outside the region"):
            tuned.blend(candidate, Box((0, 0), (9, 9)))


def test_a_patch_that_does_not_fit_the_network() -> None:
    model = TorchModel(pointwise, ModelSpec(name="network", n_spatial=3))
    with tuner(model) as tuned, pytest.raises(ModelError, match="works on 3 spatial axes"):
        tuned.evaluate(Candidate((16,), 0.5))


def test_a_run_of_a_part_is_predicted_as_that_part() -> None:
    part = make_settings(patch_size=16, device="cpu", region="0:32,:")
    candidate = Candidate((16,), 0.5)
    with tuner() as whole, tuner(settings=part) as half:
        whole.evaluate(candidate)
        half.evaluate(candidate)
        assert half.plan(candidate, whole=True).region == Box((0, 0), (32, 72))
        assert half.plan(candidate) == whole.plan(candidate)
        assert half.score(candidate).patches < whole.score(candidate).patches


def test_performance_shows_which_coordinates_err() -> None:
    """The borders of the double are wrong everywhere, its inside nowhere."""
    with tuner(BadBorders(2), truth=truth()) as tuned:
        tuned.evaluate(Candidate((16,), 0.5))
        error = tuned.performance(Candidate((16,), 0.5)).calculate_performance().numpy()
    expected = np.ones((16, 16))
    expected[2:-2, 2:-2] = 0
    np.testing.assert_array_equal(error, expected)


def test_performance_grows_while_patches_come_in() -> None:
    """Each look equals a fresh count of the patches that are there; what was returned before stays as it was."""
    network, candidate = Counting(BadBorders(2)), Candidate((16,), 0.5)
    right, looks = truth()[REGION.slices], []
    with tuner(network, truth=truth()) as tuned:
        plan = tuned.plan(candidate)

        def look(event: object) -> None:
            if isinstance(event, Progress):
                looks.append((tuned.performance(candidate), expected_errors(tuned, plan, right)))

        assert tuned.has_reference
        tuned.evaluate(candidate, on_progress=look)
    assert len(looks) > 3
    for known, errors in looks:
        np.testing.assert_allclose(known.count.numpy(), (~np.isnan(errors)).sum(axis=0))
        np.testing.assert_allclose(known.calculate_performance().numpy(), nan_mean(errors), atol=1e-12)


def expected_errors(tuned: Tuner, plan, right: np.ndarray) -> np.ndarray:
    """Return the errors of each patch that is there: (patch, y, x), NaN beyond the region."""
    found = []
    for index in np.ndindex(*plan.grid_shape):
        patch = plan.patch_box(index)
        values = tuned.predictions.get(patch)
        if values is not None:
            errors = np.full(patch.shape, np.nan)
            common = patch.intersect(REGION)
            labels = right[common.within(REGION.start).slices]
            errors[common.within(patch.start).slices] = values.argmax(axis=0) != labels
            found.append(errors)
    return np.array(found)


def nan_mean(errors: np.ndarray) -> np.ndarray:
    known = ~np.isnan(errors)
    return np.where(known.any(axis=0), np.nan_to_num(errors).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)


def test_without_truth_there_is_a_reference_once_there_is_a_consensus() -> None:
    with tuner(BadBorders(2)) as tuned:
        assert not tuned.has_reference
        tuned.score(Candidate((16,), 0.0))
        assert tuned.has_reference
        assert not tuned.has_truth


def test_performance_by_a_ratio_counts_whole_patches_only() -> None:
    with tuner(pointwise, truth=truth(), region="20:30,20:30") as tuned:
        tuned.evaluate(Candidate((16,), 0.5))
        with pytest.raises(SettingsError, match="holds a whole patch"):
            tuned.performance(Candidate((16,), 0.5), "soft_dice")
        assert tuned.performance(Candidate((16,), 0.5)).n_patches_seen > 0


def test_unknown_labels_are_found_with_the_first_patch() -> None:
    network = Counting(pointwise)
    with tuner(network, truth=truth() * 7) as tuned:
        with pytest.raises(VolumeError, match="label 7"):
            tuned.evaluate(Candidate((16,), 0.75))
        assert len(tuned.predictions) == 0
    assert network.calls < 10


def test_the_consensus_is_the_densest_overlap_of_the_largest_patches() -> None:
    candidates = [Candidate((8,), 0.5), Candidate((16,), 0.5), Candidate((16,), 0.25), Candidate((8,), 0.0)]
    with tuner() as tuned:
        tuned.curve(candidates)
        assert tuned.consensus == Candidate((16,), 0.5)
