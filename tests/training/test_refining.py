"""A network learns from what is painted, keeps the rest, and can be looked at, stopped and taken back meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.volumes import CountingArray

from napari_seamless import Control, load_model, segment
from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models import MeshNet, TorchModel, load_torchscript, save_torchscript
from napari_seamless.patches import PatchReader
from napari_seamless.quality import PatchPerformance
from napari_seamless.training.best_weights import BestWeights, Smoothed
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.history import History
from napari_seamless.training.painted_places import PaintedPlaces
from napari_seamless.training.painting import Painting
from napari_seamless.training.refine_batches import PaintedBatches
from napari_seamless.training.refine_events import Refined, Refining
from napari_seamless.training.refine_settings import RefineSettings, make_refine_settings
from napari_seamless.training.refining import Refiner
from napari_seamless.training.rehearsal import Rehearsal, near
from napari_seamless.training.scribbles import untrained_network
from napari_seamless.training.trainable import TrainableNetwork
from napari_seamless.types import Box, Level, ModelSpec, Normalization, Volume

SHAPE = (24, 30, 36)
SPEC = ModelSpec(
    name="small", n_spatial=3, in_channels=1, out_channels=2, classes=("dark", "bright"), activation="softmax"
)
QUICK = RefineSettings(steps=12, patch_size=12, learning_rate=0.05, device="cpu")


def volume_of(array: Any) -> Volume:
    level = Level(data=array, spacing=(1.0,) * 3, translation=(0.0,) * 3)
    return Volume(name="image", axes=("z", "y", "x"), levels=(level,), units=(None,) * 3)


@pytest.fixture
def image() -> Volume:
    return volume_of(np.random.default_rng(0).random(SHAPE, np.float32))


@pytest.fixture
def painting(tmp_path: Path) -> Iterator[Painting]:
    canvas = Canvas(shape=SHAPE, axes=("z", "y", "x"), spacing=(1.0,) * 3, classes=SPEC.classes)
    with Painting(tmp_path / "image.corrections.zarr", canvas) as painting:
        yield painting


def thresholding(at: float, gain: float = 20.0) -> TorchModel:
    """Return a network that calls a voxel bright above a threshold."""
    network = torch.nn.Conv3d(1, 2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([0.0, gain]).reshape(2, 1, 1, 1, 1))
        network.bias.copy_(torch.tensor([0.0, -gain * at]))
    return TorchModel(network, SPEC)


def paint_truth(painting: Painting, image: Volume, slices: Any = np.s_[12, 4:20, 4:30], at: float = 0.5) -> None:
    painting[slices] = 1 + (np.asarray(image.data)[slices] > at).astype(np.uint8)


def weights_of(model: TorchModel) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.network.state_dict().items()}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class TestLearning:
    """What is painted is learnt, and only that."""

    def test_a_threshold_moves_to_where_the_paint_says(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image, at=0.5)
        model = thresholding(at=0.7)
        refiner = Refiner(image, model, painting)
        before = weights_of(model)
        done = refiner.run(QUICK.model_copy(update={"steps": 60, "rehearsal": 0.0, "learning_rate": 0.3}))
        bright = np.asarray(segment(image, refiner.network(), patch_size=16, device="cpu").array) == 1
        assert np.mean(bright != (np.asarray(image.data) > 0.5)) < 0.05
        assert done.loss is not None
        assert done.steps == 60
        assert equal(weights_of(model), before), "the network that was given changed"

    def test_nothing_is_asked_of_voxels_that_nobody_painted(self, image: Volume, painting: Painting) -> None:
        painting[12, 14, 3:9] = 2
        settings = QUICK.model_copy(update={"batch_size": 8, "border": 0.25})
        batches = PaintedBatches(PatchReader(image), painting, settings, (12, 12, 12))
        batch = batches.draw(np.random.default_rng(0))
        assert batch is not None
        whole = np.asarray(painting[...]).astype(int) - 1
        for voxels, painted, labels in zip(batch.voxels, batch.painted, batch.labels, strict=True):
            at = _find(np.asarray(image.data), voxels[0].numpy())
            np.testing.assert_array_equal(painted, whole[at.slices])
            counted = np.flatnonzero(labels.numpy().ravel() >= 0)
            assert counted.size
            inside = np.stack(np.unravel_index(counted, labels.shape))
            # 12 / 4 voxels at each side do not count, but where the volume ends there
            low = np.where(np.array(at.start) > 0, 3, 0)[:, None]
            high = np.where(np.array(at.stop) < SHAPE, 9, 12)[:, None]
            assert ((inside >= low) & (inside < high)).all()

    def test_each_painted_class_is_drawn_equally_often(self, painting: Painting) -> None:
        painting[0:10, 0:10, 0:10] = 1
        painting[20, 20, 20:22] = 2
        places = PaintedPlaces(painting)
        rng = np.random.default_rng(0)
        drawn = Counter(int(painting[places.draw(rng)]) for _ in range(300))
        assert set(drawn) == {1, 2}
        assert drawn[2] == pytest.approx(150, abs=40)
        painting[0:10, 0:10, 0:10] = 0
        assert {int(painting[places.draw(rng)]) for _ in range(20)} == {2}
        painting[20, 20, 20:22] = 0
        assert places.draw(rng) is None

    def test_the_statistics_of_batch_normalisation_stay_and_its_weights_learn(
        self, image: Volume, painting: Painting
    ) -> None:
        paint_truth(painting, image)
        model = TorchModel(MeshNet(1, 2, 4, dilations=(1, 1)), SPEC)
        refiner = Refiner(image, model, painting)
        before = weights_of(model)
        refiner.run(QUICK)
        after = weights_of(refiner.network())
        changed = {name for name in after if not torch.equal(after[name], before[name])}
        assert changed == {name for name, _ in model.network.named_parameters()}

    def test_torchscript_learns_too(self, image: Volume, painting: Painting, tmp_path: Path) -> None:
        paint_truth(painting, image)
        save_torchscript(MeshNet(1, 2, 4, dilations=(1,)), tmp_path / "net.pt", SPEC)
        refiner = Refiner(image, load_torchscript(tmp_path / "net.pt"), painting)
        before = weights_of(refiner.network())
        refiner.run(QUICK)
        assert not equal(weights_of(refiner.network()), before)
        save_torchscript(refiner.network().network, tmp_path / "refined.pt", SPEC)
        assert equal(weights_of(load_torchscript(tmp_path / "refined.pt")), weights_of(refiner.network()))

    def test_a_network_from_nothing_but_scribbles(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        truth = np.zeros((96, 96), np.uint8)
        truth[:, 48:] = 1
        noise = rng.random((96, 96)).astype(np.float32)
        # equal means: only the texture tells the two halves apart
        picture = np.where(truth == 1, np.round(noise), 0.5 + 0.1 * (noise - 0.5)).astype(np.float32) * 400 - 37
        level = Level(data=picture, spacing=(1.0, 1.0), translation=(0.0, 0.0))
        image = Volume(name="texture", axes=("y", "x"), levels=(level,), units=(None, None))
        classes = ("smooth", "rough")
        with Painting(tmp_path / "a.zarr", Canvas.of(image, classes)) as painting:
            painting[20:23, 10:30], painting[70:73, 60:80] = 1, 2
            refiner = Refiner(image, untrained_network(image, classes, channels=(4, 8)), painting)
            refiner.run(make_refine_settings(steps=60, patch_size=32, learning_rate=0.02, rehearsal=0, device="cpu"))
        labels = np.asarray(segment(image, refiner.network(), patch_size=32, device="cpu").array)
        assert np.mean(labels != truth) < 0.1


def _find(whole: np.ndarray, part: np.ndarray) -> Box:
    (start,) = np.argwhere(np.isin(whole, part.flat[0]))
    return Box(tuple(map(int, start)), tuple(int(a) + n for a, n in zip(start, part.shape, strict=True)))


class TestRehearsal:
    """Where nobody has painted, the teacher's own sure answers are the labels."""

    def test_labels_are_the_teachers_sure_answers_away_from_paint(self, image: Volume, painting: Painting) -> None:
        painting[12, 15, 18] = 1
        gain, at, confidence = 20.0, 0.7, 0.9
        teacher = TrainableNetwork(thresholding(at, gain), torch.device("cpu"))
        settings = RefineSettings(confidence=confidence, rehearsal_patches=2)
        voxels, labels = Rehearsal(teacher, PatchReader(image), painting, settings, SHAPE).draw(
            np.random.default_rng(0)
        )
        p = 1 / (1 + np.exp(-gain * (voxels[0, 0].double().numpy() - at)))
        expected = np.where(p >= confidence, 1, np.where(1 - p >= confidence, 0, -1))
        expected[8:17, 11:20, 14:23] = -1
        np.testing.assert_array_equal(labels[0].numpy(), expected)

    def test_it_keeps_what_the_network_knew(self, image: Volume, painting: Painting) -> None:
        """Paint of one class alone turns everything into it, unless enough is rehearsed."""
        painting[12, 10:20, 10:26] = 2
        wrong = {}
        for weight in (1e-6, 20.0):
            refiner = Refiner(image, thresholding(at=0.5), painting)
            refiner.run(QUICK.model_copy(update={"steps": 60, "learning_rate": 0.3, "rehearsal": weight}))
            labels = np.asarray(segment(image, refiner.network(), patch_size=16, device="cpu").array)
            wrong[weight] = np.mean(labels != (np.asarray(image.data) > 0.5))
        assert wrong[1e-6] > 0.3
        assert wrong[20.0] < 0.1

    def test_near_is_a_box_around_every_voxel(self) -> None:
        mask = torch.zeros(9, 9, dtype=torch.bool)
        mask[4, 1] = True
        expected = np.zeros((9, 9), bool)
        expected[2:7, 0:4] = True
        np.testing.assert_array_equal(near(mask, 2).numpy(), expected)


class TestMeanwhile:
    """While it runs it tells, listens, and lets itself be looked at."""

    def test_new_paint_counts_from_the_next_update_on(self, image: Volume, painting: Painting) -> None:
        painting[2, 2, 2:6], painting[2, 8, 2:6] = 1, 2
        performances: list[PatchPerformance] = []
        counts: list[float] = []

        def on_event(event: object) -> None:
            if isinstance(event, Refining) and not performances:
                performances.append(event.performance)
                counts.append(float(event.performance.count.sum()))
                painting[...] = 0
                painting[20, 20, 20] = 2

        Refiner(image, thresholding(0.5), painting).run(QUICK.model_copy(update={"steps": 30}), on_event)
        # the event comes after the first update; each of the others has seen the one voxel that is painted since
        assert float(performances[0].count.sum()) == counts[0] + 29

    def test_looking_at_it_changes_nothing(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        found = []
        for looks in (False, True):
            torch.manual_seed(0)
            refiner = Refiner(image, TorchModel(MeshNet(1, 2, 4, dilations=(1, 2)), SPEC), painting)
            over = threading.Event()
            watcher = threading.Thread(target=_look, args=(refiner, image, over))
            if looks:
                watcher.start()
            refiner.run(QUICK)
            over.set()
            if looks:
                watcher.join()
            found.append(weights_of(refiner.network()))
        assert equal(*found)

    def test_a_copy_stays_as_it_was_taken(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        refiner = Refiner(image, thresholding(0.7), painting)
        first = refiner.network()
        before = weights_of(first)
        refiner.run(QUICK)
        assert equal(weights_of(first), before)
        assert first.spec.sha256 != refiner.network().spec.sha256

    def test_it_tells_loss_and_error_by_coordinate(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image, at=0.5)
        events: list[Any] = []
        done = Refiner(image, thresholding(at=2.0), painting).run(QUICK, events.append)
        assert isinstance(events[-1], Refined)
        assert events[-1] is done
        first = next(event for event in events if isinstance(event, Refining))
        assert first.step == 1
        assert first.loss == pytest.approx(first.painted_loss + 0.2 * first.rehearsal_loss)
        performance = first.performance
        assert performance.n_patches_seen == 12
        seen = performance.count > 0
        assert 0 < int(seen.sum()) < 12**3, "only painted coordinates have a value"
        # everything is called dark, and about half is bright
        assert float(performance.mean[seen].mean()) == pytest.approx(0.5, abs=0.2)

    def test_stop_ends_it_and_pause_lets_it_wait(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        control = Control()
        control.pause()
        refiner = Refiner(image, thresholding(0.7), painting)
        result: list[Refined] = []
        thread = threading.Thread(
            target=lambda: result.append(refiner.run(RefineSettings(patch_size=12, device="cpu"), None, control))
        )
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert refiner.is_running
        with pytest.raises(SettingsError, match="is being refined"):
            refiner.run(QUICK)
        control.cancel()
        thread.join(30)
        assert result[0].was_stopped
        assert not refiner.is_running

    def test_a_pause_takes_nothing_off_the_seconds(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        control = Control()
        control.pause()
        threading.Timer(0.6, control.resume).start()
        refiner = Refiner(image, thresholding(0.7), painting)
        done = refiner.run(RefineSettings(patch_size=12, device="cpu", seconds=0.5), None, control)
        assert done.steps > 3
        assert not done.was_stopped

    def test_only_patches_are_read(self, painting: Painting) -> None:
        array = CountingArray(np.random.default_rng(0).random(SHAPE, np.float32), 6)
        image = volume_of(array)
        painting[12, 4:20, 4:30] = 1
        Refiner(image, thresholding(0.5), painting).run(QUICK.model_copy(update={"steps": 5}))
        assert 0 < array.largest <= 18**3, "at most the chunks that a patch meets"


def _look(refiner: Refiner, image: Volume, over: threading.Event) -> None:
    while not over.is_set():
        segment(image, refiner.network(), patch_size=12, device="cpu", region=Box((0, 0, 0), (12, 12, 12)))


class TestStates:
    """The best weights are kept, and every state is there to go back to."""

    def test_the_weights_with_the_lowest_smoothed_loss_are_kept(self) -> None:
        network = TrainableNetwork(thresholding(0.5), torch.device("cpu"))
        best, smoothed = BestWeights(network), Smoothed()
        values = [5.0] * 12 + [1.0] * 30 + [9.0] * 5
        for i, value in enumerate(values):
            with torch.no_grad():
                network.module.bias.fill_(i)
            smoothed.add(value)
            best.look(smoothed)
        best.restore()
        assert network.module.bias[0].item() == 41
        assert best.loss == pytest.approx(1.0, abs=0.3)

    def test_a_smoothed_loss_is_the_exponential_mean(self) -> None:
        values = np.random.default_rng(0).random(30)
        smoothed = Smoothed()
        for value in values:
            smoothed.add(value)
        assert smoothed.value == pytest.approx(np.average(values, weights=0.9 ** np.arange(30)[::-1]))

    def test_every_state_comes_back(self, image: Volume, painting: Painting, tmp_path: Path) -> None:
        paint_truth(painting, image)
        refiner = Refiner(image, thresholding(0.7), painting, history=History(tmp_path / "states"))
        states = [weights_of(refiner.network())]
        for _ in range(2):
            done = refiner.run(QUICK)
            assert done.state is not None
            states.append(weights_of(refiner.network()))
        refiner.go_back(1)
        done = refiner.run(QUICK)
        assert done.state is not None
        assert (done.state.number, done.state.parent) == (3, 1)
        for number, weights in enumerate(states):
            refiner.go_back(number)
            assert equal(weights_of(refiner.network()), weights)
            assert refiner.state is not None
            assert refiner.state.number == number

    def test_a_refinement_that_fails_leaves_the_network(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        refiner = Refiner(image, TorchModel(Failing(6), SPEC), painting)
        before = weights_of(refiner.network())
        with pytest.raises(
            ModelError, match=r"fails on a batch of shape \(1, 1, 12, 12, 12\) \(RuntimeError: worn out\)"
        ):
            refiner.run(QUICK.model_copy(update={"rehearsal": 0.0}))
        assert equal(weights_of(refiner.network()), before)
        assert not refiner.is_running


class Failing(torch.nn.Conv3d):
    """A network that fails after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__(1, 2, 1)
        self.calls = calls

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls -= 1
        if not self.calls:
            raise RuntimeError("worn out")
        return super().forward(x)


class TestRefusals:
    """What cannot be is said in one sentence."""

    def test_nothing_painted(self, image: Volume, painting: Painting) -> None:
        with pytest.raises(SettingsError, match="Nothing is painted"):
            Refiner(image, thresholding(0.5), painting).run(QUICK)

    def test_one_class_alone_without_rehearsal(self, image: Volume, painting: Painting) -> None:
        painting[0, 0, 0] = 1
        with pytest.raises(SettingsError, match="Only one class is painted"):
            Refiner(image, thresholding(0.5), painting).run(QUICK.model_copy(update={"rehearsal": 0.0}))

    @pytest.mark.parametrize("is_known", [True, False])
    def test_a_class_that_the_network_does_not_have(self, is_known: bool, image: Volume, tmp_path: Path) -> None:
        model = thresholding(0.5)
        if not is_known:
            model = TorchModel(model.network, replace(SPEC, out_channels=None, classes=()))
        with Painting(tmp_path / "a.zarr", Canvas.of(image)) as painting:
            painting[0, 0, :3] = 3
            with pytest.raises(SettingsError, match=r"Class 2 is painted, but the network .*has the classes 0 to 1"):
                Refiner(image, model, painting).run(QUICK)

    def test_more_classes_than_the_network(self, image: Volume, tmp_path: Path) -> None:
        with (
            Painting(tmp_path / "a.zarr", Canvas.of(image, ("a", "b", "c"))) as painting,
            pytest.raises(SettingsError, match="have 3 classes, but the network small has 2"),
        ):
            Refiner(image, thresholding(0.5), painting)

    def test_a_painting_of_another_volume(self, painting: Painting) -> None:
        with pytest.raises(SettingsError, match=r"have the shape \(24, 30, 36\), but image has \(8, 8, 8\)"):
            Refiner(volume_of(np.zeros((8, 8, 8))), thresholding(0.5), painting)

    def test_a_function_and_a_network_without_weights(self, image: Volume, painting: Painting) -> None:
        with pytest.raises(ModelError, match="is a function"):
            Refiner(image, load_model(lambda x: x), painting)
        with pytest.raises(ModelError, match="no weights to train"):
            Refiner(image, load_model(torch.nn.Identity()), painting)

    def test_a_state_without_a_history(self, image: Volume, painting: Painting) -> None:
        with pytest.raises(SettingsError, match="no history"):
            Refiner(image, thresholding(0.5), painting).go_back(0)

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"loss": "boundary"}, "only some voxels are painted"),
            ({"learning_rate": 0}, "learning_rate: input should be greater than 0, got 0"),
            ({"speed": 3}, "speed is not a setting"),
        ],
    )
    def test_settings(self, values: dict[str, Any], said: str) -> None:
        with pytest.raises(SettingsError, match=said):
            make_refine_settings(**values)

    def test_an_unknown_loss(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        with pytest.raises(SettingsError, match="loss must be one or more of"):
            Refiner(image, thresholding(0.5), painting).run(QUICK.model_copy(update={"loss": "hinge"}))

    def test_a_patch_below_the_divisor(self, image: Volume, painting: Painting) -> None:
        paint_truth(painting, image)
        model = thresholding(0.5)
        model.spec = replace(SPEC, divisor=(32,), normalization=Normalization(kind="minmax"))
        with pytest.raises(SettingsError, match="needs patches of a multiple of"):
            Refiner(image, model, painting).run(QUICK)
