"""The tracker around Keras losses against that around torch's, which has tests of its own."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import torch

from napari_seamless import TensorflowPatchPerformance
from napari_seamless.errors import MissingDependencyError, NoPatchesError
from napari_seamless.quality import MEASURES, PatchPerformance

needs_tensorflow = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow"),
    pytest.mark.filterwarnings("ignore:::tensorflow|keras"),
]


def test_without_tensorflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingDependencyError, match=r"napari-seamless\[tensorflow\]"):
        TensorflowPatchPerformance(len)


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="measure must be one of"):
        TensorflowPatchPerformance.track(len, measure="nonsense")


class TestWithTensorflow:
    pytestmark = needs_tensorflow

    @pytest.fixture
    def tf(self) -> Any:
        import tensorflow

        return tensorflow

    @pytest.mark.parametrize("layout", ["labels", "channel", "one hot"])
    @pytest.mark.parametrize("classes", [1, 3])
    @pytest.mark.parametrize("measure", MEASURES)
    def test_every_measure_equals_that_on_torch_tensors(self, tf: Any, measure: str, classes: int, layout: str) -> None:
        if classes == 1 and measure in {"cross_entropy", "log_loss"}:
            pytest.skip("needs classes")
        rng = np.random.default_rng(0)
        scores, labels = rng.standard_normal((5, 4, 3, classes)), rng.integers(max(classes, 2), size=(5, 4, 3))
        scores = scores.astype(np.float32)
        if measure not in {"cross_entropy"} and not measure.endswith("_with_logits"):
            scores = 1 / (1 + np.exp(-scores))
        target = {"labels": labels, "channel": labels[..., None], "one hot": np.eye(max(classes, 2))[labels]}[layout]
        if layout == "one hot" and classes == 1:
            target = labels[..., None].astype(np.float64)
        elif layout != "one hot" and classes > 1:
            target = target.copy()
            target[0, 0, :2] = -100  # no class: left out
        tracker = TensorflowPatchPerformance(lambda y_true, y_pred: tf.reduce_sum(y_pred), measure)
        truth = PatchPerformance(measure)
        for part in (slice(0, 2), slice(2, 5)):
            tracker(tf.constant(target[part]), tf.constant(scores[part]))
            first = target[part] if target.ndim == 3 else np.moveaxis(target[part], -1, 1)
            truth.observe(torch.tensor(np.moveaxis(scores[part], -1, 1).astype(float)), torch.tensor(first))
        elementwise = measure.startswith(("binary", "l2"))
        for name in ("count", "mean", "variance"):
            expected = getattr(truth, name)
            expected = expected.movedim(0, -1) if elementwise else expected
            found = getattr(tracker.performance, name)
            found = found.expand(expected.shape) if name == "count" else found
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9, err_msg=name)
        np.testing.assert_array_equal(tracker.calculate_performance().numpy(), tracker.performance.mean)

    @pytest.mark.parametrize("jit", [False, True])
    def test_value_and_gradient_are_those_of_the_loss_in_a_graph(self, tf: Any, jit: bool) -> None:
        loss = tf.keras.losses.BinaryCrossentropy()
        tracker = TensorflowPatchPerformance.track(loss, measure="l2")
        assert tracker.loss is loss
        assert tracker.reduction == loss.reduction
        rng = np.random.default_rng(0)
        p = tf.Variable(rng.random((3, 4, 4, 1)), dtype=tf.float32)
        t = tf.constant(rng.random((3, 4, 4, 1)).round(), dtype=tf.float32)

        @tf.function(jit_compile=jit)
        def step(function: Any) -> Any:
            with tf.GradientTape() as tape:
                value = function(y_true=t, y_pred=p)
            return value, tape.gradient(value, p)

        for ours, truth in zip(step(tracker), step(loss), strict=True):
            np.testing.assert_allclose(ours, truth, rtol=1e-6)
        assert tracker.n_patches_seen == 3
        np.testing.assert_allclose(tracker.calculate_performance(), np.abs(t - p).mean(0), rtol=1e-5)

    def test_fit_trains_alike_and_counts_every_patch(self, tf: Any) -> None:
        rng = np.random.default_rng(0)
        images, targets = rng.random((10, 6, 6, 1)).astype(np.float32), rng.random((10, 6, 6, 1)).round()

        def train(loss: Any) -> Any:
            tf.keras.utils.set_random_seed(0)
            layers = [tf.keras.Input((6, 6, 1)), tf.keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
            network = tf.keras.Sequential(layers)
            network.compile(optimizer="sgd", loss=loss)
            return network.fit(images, targets, batch_size=4, epochs=2, verbose=0, shuffle=False).history["loss"]

        tracker = TensorflowPatchPerformance(tf.keras.losses.BinaryCrossentropy(), "binary_cross_entropy")
        np.testing.assert_allclose(train(tracker), train(tf.keras.losses.BinaryCrossentropy()), rtol=1e-6)
        assert tracker.n_patches_seen == 20
        assert tracker.calculate_performance().shape == (6, 6, 1)
        tracker.reset()
        assert tracker.n_patches_seen == 0
        with pytest.raises(NoPatchesError):
            tracker.calculate_performance()

    def test_shapes_that_do_not_fit_are_named(self, tf: Any) -> None:
        tracker = TensorflowPatchPerformance(lambda y_true, y_pred: tf.reduce_sum(y_pred), "error_rate")
        with pytest.raises(ValueError, match=r"\(batch, \*patch, class\)"):
            tracker(tf.zeros((2, 5, 4)), tf.zeros((2, 5, 5, 3)))
