"""The measures as operations of TensorFlow, with the classes last, as Keras holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from napari_seamless.quality.measures import MeasureFunction

_LEAST_LOG = -100.0
"""Where the measures on torch tensors end too."""


def terms_of(measure: str | MeasureFunction, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Measure one batch.

    Parameters
    ----------
    measure : str or callable
        A name of `MEASURES`, or a function of prediction and target that returns (batch, \\*map).
    prediction : tf.Tensor
        (batch, \\*patch, class).
    target : tf.Tensor
        Labels (batch, \\*patch) or (batch, \\*patch, 1), or probabilities of the shape of `prediction`.

    Returns
    -------
    tf.Tensor
        (batch, \\*map) float64; of a ratio numerator, denominator and their sum, (batch, 3, \\*map).
    tf.Tensor
        Which of them count, bool, of a shape that broadcasts to the first.

    Raises
    ------
    SettingsError
        The shapes do not fit each other or the measure.
    """
    import tensorflow as tf

    prediction, target = tf.stop_gradient(prediction), tf.stop_gradient(target)
    if callable(measure):
        values = tf.cast(measure(prediction, target), tf.float64)
        return values, tf.ones_like(values, tf.bool)
    scores = tf.cast(prediction, tf.float64)
    truth, known = _truth(scores, target)
    name = measure.removesuffix("_with_logits")
    if name in {"binary_cross_entropy", "l2"}:
        return _elementwise(measure, scores, truth), known
    if name in {"cross_entropy", "log_loss"}:
        return _log_loss(measure, scores, truth), known[..., 0]
    if name != measure:
        scores = tf.sigmoid(scores) if scores.shape[-1] == 1 else tf.nn.softmax(scores)
    if name == "soft_dice":
        first = 1 if scores.shape[-1] > 1 else 0  # of several classes, the first is the background
        p, t = scores[..., first:], truth[..., first:]
        both = tf.reduce_sum(p + t, axis=-1)
        return _ratio(both - 2 * tf.reduce_sum(p * t, axis=-1), both), known[:, tf.newaxis, ..., 0]
    labels = _labels(truth)
    wrong = _labels(scores) != labels
    if name == "error_rate":
        return tf.cast(wrong, tf.float64), known[..., 0]
    edge = boundary_of(labels, known[..., 0])
    return _ratio(tf.cast(wrong & edge, tf.float64), tf.cast(edge, tf.float64)), known[:, tf.newaxis, ..., 0]


def boundary_of(labels: Any, known: Any) -> Any:
    """Return which voxels have a face neighbour with another label, as `torch_measures.boundary_of` does."""
    import tensorflow as tf

    edge = tf.zeros_like(labels, tf.bool)
    for axis in range(1, labels.shape.rank):
        before = [slice(None)] * axis
        differs = labels[*before, 1:] != labels[*before, :-1]
        differs &= known[*before, 1:] & known[*before, :-1]
        for sides in ([1, 0], [0, 1]):
            edge |= tf.pad(differs, [sides if i == axis else [0, 0] for i in range(labels.shape.rank)])
    return edge


def _elementwise(measure: str, scores: Any, truth: Any) -> Any:
    import tensorflow as tf

    if measure == "binary_cross_entropy_with_logits":
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
    if measure == "binary_cross_entropy":
        return -(truth * _log(scores) + (1 - truth) * _log(1 - scores))
    return tf.abs(truth - (tf.sigmoid(scores) if measure == "l2_with_logits" else scores))


def _log_loss(measure: str, scores: Any, truth: Any) -> Any:
    import tensorflow as tf

    if scores.shape[-1] < 2:
        raise SettingsError(
            f"the measure {measure} needs predictions (batch, *patch, class) with two classes or more, got the shape "
            f"{tuple(scores.shape)}; for one channel use binary_cross_entropy."
        )
    logs = tf.nn.log_softmax(scores) if measure == "cross_entropy" else _log(scores)
    return -tf.reduce_sum(truth * logs, axis=-1)


def _log(p: Any) -> Any:
    import tensorflow as tf

    # Not tf.maximum of the logarithm alone: NaN must stay NaN, which tells raw scores from probabilities.
    logs = tf.math.log(p)
    return tf.where(logs < _LEAST_LOG, tf.constant(_LEAST_LOG, p.dtype), logs)


def _labels(probabilities: Any) -> Any:
    import tensorflow as tf

    if probabilities.shape[-1] == 1:
        return tf.cast(probabilities[..., 0] > 0.5, tf.int64)
    return tf.argmax(probabilities, axis=-1)


def _ratio(above: Any, below: Any) -> Any:
    import tensorflow as tf

    return tf.stack([above, below, above + below], axis=1)


def _truth(scores: Any, target: Any) -> tuple[Any, Any]:
    """Return the target as probabilities of the prediction's shape, and who has a class, (batch, \\*patch, 1) bool."""
    import tensorflow as tf

    n_classes, rank = scores.shape[-1], scores.shape.rank
    if _fits(target.shape, scores.shape):
        return tf.cast(target, scores.dtype), tf.ones_like(scores[..., :1], tf.bool)
    if rank < 3 or not (_fits(target.shape, scores.shape[:-1]) or _fits(target.shape, [*scores.shape[:-1], 1])):
        raise SettingsError(
            f"the prediction has the shape {tuple(scores.shape)} and the target {tuple(target.shape)}, but a "
            "prediction must be (batch, *patch, class), and a target must be labels (batch, *patch) or "
            "(batch, *patch, 1) or have the prediction's shape; measure others with a function of your own."
        )
    labels = target if target.shape.rank == rank else target[..., tf.newaxis]
    if n_classes == 1:
        return tf.cast(labels, scores.dtype), tf.ones_like(labels, tf.bool)
    labels = tf.cast(labels, tf.int64)
    return tf.one_hot(labels[..., 0], n_classes, dtype=scores.dtype), (labels >= 0) & (labels < n_classes)


def _fits(shape: Any, other: Any) -> bool:
    """Return whether two shapes are the same as far as they are known; a batch of a graph has no length yet."""
    return len(shape) == len(other) and all(n is None or m is None or n == m for n, m in zip(shape, other, strict=True))
