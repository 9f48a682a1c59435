"""Targets as people hold them: labels with and without a channel, or probabilities by class."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_seamless.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """A target in the layout that a measure needs.

    Parameters
    ----------
    values : Tensor
        Labels (batch, \\*patch) int64, or probabilities of the prediction's shape and type.
    known : Tensor, optional
        Which voxels have a class, bool, broadcastable to `values`; None for all.
    """

    values: torch.Tensor
    known: torch.Tensor | None = None


def class_labels(prediction: torch.Tensor, target: torch.Tensor) -> Truth:
    """Return the class of each voxel.

    Parameters
    ----------
    prediction : Tensor
        (batch, class, \\*patch); one channel stands for background and one class.
    target : Tensor
        Labels (batch, \\*patch) or (batch, 1, \\*patch), or probabilities of the shape of `prediction`.

    Returns
    -------
    Truth
        Labels; voxels whose label is no class, as those that a loss ignores, are not known.

    Examples
    --------
    >>> prediction = torch.zeros(1, 3, 4)
    >>> truth = class_labels(prediction, torch.tensor([[0, 2, 1, -100]]))
    >>> truth.values.shape, truth.known.tolist()
    (torch.Size([1, 4]), [[True, True, True, False]])
    """
    if prediction.ndim < 3:
        raise _shapes(prediction, target)
    n_classes = prediction.shape[1]
    if n_classes == 1:
        return Truth(values=(probabilities_of(prediction, target).values[:, 0] > 0.5).long())
    if target.shape == prediction.shape:
        return Truth(values=largest(target.to(prediction.dtype)))
    labels = _labels(prediction, target).long()
    known = (labels >= 0) & (labels < n_classes)
    return Truth(values=labels.clamp(0, n_classes - 1), known=known)


def probabilities_of(prediction: torch.Tensor, target: torch.Tensor) -> Truth:
    """Return the target as probabilities of the shape and type of the prediction.

    Parameters
    ----------
    prediction : Tensor
        (batch, class, \\*patch), or anything that `target` has the shape of.
    target : Tensor
        The same shape; or labels (batch, \\*patch) or (batch, 1, \\*patch).

    Returns
    -------
    Truth
        Of one channel the target itself, of several 1 for the voxel's class and 0 for the others.
    """
    if target.shape == prediction.shape:
        return Truth(values=target.to(prediction.dtype))
    labels = _labels(prediction, target)
    n_classes = prediction.shape[1]
    if n_classes == 1:
        return Truth(values=labels.unsqueeze(1).to(prediction.dtype))
    truth = class_labels(prediction, target)
    classes = torch.arange(n_classes, device=labels.device).reshape(-1, *[1] * (labels.ndim - 1))
    one_hot = (truth.values.unsqueeze(1) == classes).to(prediction.dtype)
    return Truth(values=one_hot, known=None if truth.known is None else truth.known.unsqueeze(1))


def largest(scores: torch.Tensor) -> torch.Tensor:
    """Return the class with the largest score, the first of equals: (batch, class, \\*patch) to (batch, \\*patch)."""
    return scores.max(dim=1).indices  # as argmax, and ten times faster on a CPU


def _labels(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return labels (batch, \\*patch), without a channel."""
    batch, patch = prediction.shape[:1], prediction.shape[2:]
    if prediction.ndim < 3 or target.shape not in {(*batch, *patch), (*batch, 1, *patch)}:
        raise _shapes(prediction, target)
    return target.reshape(*batch, *patch)


def _shapes(prediction: torch.Tensor, target: torch.Tensor) -> SettingsError:
    return SettingsError(
        f"the prediction has the shape {tuple(prediction.shape)} and the target {tuple(target.shape)}, but a "
        "prediction must be (batch, class, *patch), and a target must be labels (batch, *patch) or (batch, 1, *patch) "
        "or have the prediction's shape; measure others with a function of your own."
    )
