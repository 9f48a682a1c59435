"""The measures on torch tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from napari_seamless.errors import SettingsError
from napari_seamless.quality.measures import Errors, MeasureFunction
from napari_seamless.quality.target_layout import Truth, class_labels, largest, probabilities_of

_LEAST_LOG = -100.0
"""Where torch's own binary cross entropy ends too: the error of a certain mistake is finite."""


def errors_of(measure: str | MeasureFunction, prediction: torch.Tensor, target: torch.Tensor) -> Errors:
    """Measure one batch.

    Parameters
    ----------
    measure : str or callable
        A name of `MEASURES`, or a function of prediction and target that returns (batch, \\*map).
    prediction : Tensor
        (batch, class, \\*patch); for the elementwise measures (the binary cross entropies and l2) any shape with the
        batch first, if `target` has the same.
    target : Tensor
        Labels (batch, \\*patch) or (batch, 1, \\*patch), or probabilities of the shape of `prediction`.

    Raises
    ------
    SettingsError
        The shapes do not fit each other or the measure.
    """
    prediction, target = prediction.detach(), target.detach()
    # A loss may be computed in 16 bits; an error is not. Autocast refuses some measures, and rounds others.
    with torch.no_grad(), torch.autocast(prediction.device.type, enabled=False):
        if prediction.dtype not in {torch.float32, torch.float64}:
            prediction = prediction.float()
        if callable(measure):
            return Errors(values=_checked(measure(prediction, target), prediction))
        name = measure.removesuffix("_with_logits")
        if measure == "binary_cross_entropy_with_logits":
            truth = probabilities_of(prediction, target)
            return _where(F.binary_cross_entropy_with_logits(prediction, truth.values, reduction="none"), truth)
        if measure == "cross_entropy":
            return _log_loss(_several(prediction, measure).log_softmax(dim=1), target)
        if name != measure:
            prediction = _activated(prediction, elementwise=name == "l2")
        return _of_probabilities(name, prediction, target)


def _of_probabilities(name: str, prediction: torch.Tensor, target: torch.Tensor) -> Errors:
    if name in {"binary_cross_entropy", "l2"}:
        truth = probabilities_of(prediction, target)
        if name == "l2":
            return _where((truth.values - prediction).abs(), truth)
        return _where(_binary_cross_entropy(prediction, truth.values), truth)
    if name == "log_loss":
        return _log_loss(_several(prediction, name).log().clamp(min=_LEAST_LOG), target)
    if name == "soft_dice":
        return _soft_dice(prediction, target)
    labels = class_labels(prediction, target)
    found = largest(prediction) if prediction.shape[1] > 1 else (prediction[:, 0] > 0.5).long()
    wrong = found != labels.values
    if name == "error_rate":
        return _where(wrong, labels)
    edge = boundary_of(labels.values, labels.known)
    return Errors(values=wrong & edge, below=edge, where=labels.known)


def _binary_cross_entropy(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Equal to torch's own, but what is no probability becomes NaN: torch's stops a CUDA process for good."""
    return -(t * p.log().clamp(min=_LEAST_LOG) + (1 - t) * (-p).log1p().clamp(min=_LEAST_LOG))


def boundary_of(labels: torch.Tensor, known: torch.Tensor | None = None) -> torch.Tensor:
    """Return which voxels of a label map have a face neighbour with another label, inside the patch.

    Parameters
    ----------
    labels : Tensor
        (batch, \\*patch) integer.
    known : Tensor, optional
        Which voxels have a class, bool, of the same shape; one without makes no boundary.

    Returns
    -------
    Tensor
        Of the same shape, bool.

    Examples
    --------
    >>> boundary_of(torch.tensor([[0, 0, 1, 1, 1]]))
    tensor([[False,  True,  True, False, False]])
    """
    edge = torch.zeros_like(labels, dtype=torch.bool)
    known = torch.ones_like(edge) if known is None else known
    for axis in range(1, labels.ndim):
        n = labels.shape[axis] - 1
        differs = labels.narrow(axis, 0, n) != labels.narrow(axis, 1, n)
        differs &= known.narrow(axis, 0, n) & known.narrow(axis, 1, n)
        edge.narrow(axis, 0, n).logical_or_(differs)
        edge.narrow(axis, 1, n).logical_or_(differs)
    return edge


def _soft_dice(prediction: torch.Tensor, target: torch.Tensor) -> Errors:
    """Return both parts of 1 - Dice = sum(p + t - 2 p t) / sum(p + t), summed over the foreground classes."""
    truth = probabilities_of(prediction, target)
    first = 1 if prediction.shape[1] > 1 else 0  # of several classes, the first is the background
    p, t = prediction[:, first:], truth.values[:, first:]
    both = (p + t).sum(dim=1)
    where = None if truth.known is None else truth.known.squeeze(1)
    return Errors(values=both - 2 * (p * t).sum(dim=1), below=both, where=where)


def _log_loss(log_p: torch.Tensor, target: torch.Tensor) -> Errors:
    if target.shape == log_p.shape:
        return Errors(values=-(log_p * target).sum(dim=1))
    labels = class_labels(log_p, target)
    return _where(-log_p.gather(1, labels.values.unsqueeze(1)).squeeze(1), labels)


def _several(prediction: torch.Tensor, measure: str) -> torch.Tensor:
    if prediction.ndim < 3 or prediction.shape[1] < 2:
        raise SettingsError(
            f"the measure {measure} needs predictions (batch, class, *patch) with two classes or more, got the shape "
            f"{tuple(prediction.shape)}; for one channel use binary_cross_entropy."
        )
    return prediction


def _activated(scores: torch.Tensor, *, elementwise: bool) -> torch.Tensor:
    one_channel = scores.ndim < 2 or scores.shape[1] == 1
    return scores.sigmoid() if elementwise or one_channel else scores.softmax(dim=1)


def _where(values: torch.Tensor, truth: Truth) -> Errors:
    return Errors(values=values, where=truth.known)


def _checked(values: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    if not isinstance(values, torch.Tensor) or values.ndim < 2 or values.shape[0] != prediction.shape[0]:
        got = f"the shape {tuple(values.shape)}" if isinstance(values, torch.Tensor) else type(values).__name__
        raise SettingsError(
            f"measure must return one value for each patch and coordinate, ({prediction.shape[0]}, *map), got {got}; "
            "leave out the reduction over the batch."
        )
    return values
