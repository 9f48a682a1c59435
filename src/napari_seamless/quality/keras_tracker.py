"""The tracker around a Keras loss, on TensorFlow."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

import torch

from napari_seamless.errors import MissingDependencyError, SettingsError
from napari_seamless.quality.measures import MeasureFunction, check_measure
from napari_seamless.quality.performance import PatchPerformance, name_of

if TYPE_CHECKING:
    from collections.abc import Callable


class TensorflowPatchPerformance:
    """A Keras loss that keeps the patch performance of what passes through it, and is the same loss otherwise.

    The counterpart of `TorchPatchPerformance` for ``model.compile(loss=...)`` and for loops with a gradient tape: value
    and gradients are those of the loss, and its attributes are reached through the tracker. Statistics are float64
    variables of the graph, which the training does not wait for. Needs the extra `tensorflow`.

    ``model.fit`` calls the loss for validation data too; they count as well.

    Parameters
    ----------
    loss : keras.losses.Loss or callable
        Takes the target first and the prediction second, as Keras does, or as `y_true` and `y_pred`.
    measure : str or callable
        What is kept by coordinate; independent of the loss. A name of `napari_seamless.quality.MEASURES`, or a function
        of prediction and target that returns (batch, \\*map). Predictions are (batch, \\*patch, class), targets labels
        (batch, \\*patch) or (batch, \\*patch, 1), or probabilities of the prediction's shape.

    Raises
    ------
    SettingsError
        A ``ValueError``: `measure` is no measure.
    MissingDependencyError
        TensorFlow is not installed.
    """

    def __init__(self, loss: Callable[..., Any], measure: str | MeasureFunction = "binary_cross_entropy") -> None:
        check_measure(measure)
        _tensorflow()
        self.loss = loss
        self._measure = measure
        self._variables: dict[str, Any] = {}

    @classmethod
    def track(cls, loss: Callable[..., Any], measure: str | MeasureFunction = "binary_cross_entropy") -> Self:
        """Return a loss wrapped in a tracker; the same as the constructor."""
        return cls(loss=loss, measure=measure)

    @property
    def measure(self) -> str | MeasureFunction:
        """What is kept by coordinate; fixed, because it is part of the graph."""
        return self._measure

    @property
    def n_patches_seen(self) -> int:
        """Number of patches since the start or the last `reset`."""
        return int(self._variables["patches"].numpy()) if self._variables else 0

    @property
    def performance(self) -> PatchPerformance:
        """The statistics as they are now, in the host's memory: mean, variance, number, merge."""
        found = PatchPerformance(self._measure)
        if self.n_patches_seen:
            state = {name: torch.from_numpy(self._variables[name].numpy()) for name in ("count", "mean", "m2")}
            found.load_state_dict({"measure": name_of(self._measure), "patches": self.n_patches_seen, **state})
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the loss; measure what it was given."""
        value = self.loss(*args, **kwargs)
        self._observe(*_target_and_prediction(self.loss, args, kwargs))
        return value

    def calculate_performance(self) -> Any:
        """Return the mean error at each coordinate.

        Returns
        -------
        tf.Tensor
            (\\*map) float64, as that of `PatchPerformance.calculate_performance`.

        Raises
        ------
        NoPatchesError
            A ``RuntimeError``: there has been no patch.
        """
        return _tensorflow().convert_to_tensor(self.performance.calculate_performance().numpy())

    def reset(self) -> None:
        """Forget all patches; their size stays, because it is part of the graph."""
        for variable in self._variables.values():
            variable.assign(_tensorflow().zeros_like(variable))

    def _observe(self, target: Any, prediction: Any) -> None:
        tf = _tensorflow()
        from napari_seamless.quality.keras_measures import terms_of

        prediction = tf.convert_to_tensor(prediction)
        values, where = terms_of(self._measure, prediction, tf.convert_to_tensor(target))
        if not self._variables:
            self._make_variables(values.shape[1:])
        here = tf.cast(tf.broadcast_to(where, tf.shape(values)), tf.float64)
        count = tf.reduce_sum(here, axis=0)
        # Selected, not multiplied: what does not count may be NaN.
        mean = tf.reduce_sum(tf.where(here > 0, values, 0.0), axis=0) / tf.maximum(count, 1.0)
        m2 = tf.reduce_sum(tf.where(here > 0, values - mean, 0.0) ** 2, axis=0)
        self._add(tf.shape(values, tf.int64)[0], count, mean, m2)

    def _add(self, patches: Any, count: Any, mean: Any, m2: Any) -> None:
        """Merge a batch as `Moments.merged` does."""
        tf = _tensorflow()
        own = self._variables
        total = own["count"] + count
        share = count / tf.maximum(total, 1.0)
        difference = mean - own["mean"]
        own["m2"].assign_add(m2 + difference**2 * (own["count"] * share))
        own["mean"].assign_add(difference * share)
        own["count"].assign(total)
        own["patches"].assign_add(patches)

    def _make_variables(self, shape: Any) -> None:
        tf = _tensorflow()
        if not shape.is_fully_defined():
            raise SettingsError(
                f"the predictions' patch size must be known before training starts, got {tuple(shape)}; give the "
                "network's input a shape, or run it eagerly."
            )
        with tf.init_scope():  # outside the graph that is being built, so that the variables outlive it
            self._variables = {name: tf.Variable(tf.zeros(shape, tf.float64)) for name in ("count", "mean", "m2")}
            self._variables["patches"] = tf.Variable(tf.zeros((), tf.int64))

    def __getattr__(self, name: str) -> Any:
        if name == "loss" or (name.startswith("__") and name != "__name__"):
            raise AttributeError(name)
        return getattr(self.loss, name)


def _target_and_prediction(loss: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    found = [kwargs.get("y_true"), kwargs.get("y_pred")]
    found = [args[i] if value is None and i < len(args) else value for i, value in enumerate(found)]
    if any(value is None for value in found):
        bound = inspect.signature(loss).bind(*args, **kwargs).arguments
        found = [bound.get(name) for name in list(inspect.signature(loss).parameters)[:2]]
    if len(found) != 2 or any(value is None for value in found):
        raise SettingsError(f"the loss must be called with a target and a prediction, got {[*args, *kwargs]}.")
    return found[0], found[1]


def _tensorflow() -> Any:
    try:
        import tensorflow
    except ImportError as error:
        raise MissingDependencyError(
            "TensorflowPatchPerformance needs TensorFlow: pip install 'napari-seamless[tensorflow]'."
        ) from error
    return tensorflow
