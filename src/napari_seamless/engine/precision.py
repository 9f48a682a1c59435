"""Whether a network may compute in 16 bits: which type, and whether it agrees with float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from napari_seamless.recipe import Precision

TOLERANCE = 0.02
"""Largest difference from float32 after the activation: too small to move a border that the network is sure of."""


def reduced_type(precision: Precision, device: torch.device) -> torch.dtype | None:
    """Return the 16-bit type to try on a device; None for float32.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16", "float16"}
        The setting. ``auto`` is float32 but on CUDA, where 16 bits are about twice as fast or more.
    device : torch.device
        Where the network runs.

    Examples
    --------
    >>> reduced_type("auto", torch.device("cpu")), reduced_type("bfloat16", torch.device("cpu"))
    (None, torch.bfloat16)
    """
    if precision == "bfloat16":
        return torch.bfloat16
    if precision == "float16":
        return torch.float16
    if precision == "float32" or device.type != "cuda":
        return None
    with torch.cuda.device(device):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def computing_in(dtype: torch.dtype | None, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which a network computes in this type; None is float32."""
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


def is_finite(output: torch.Tensor) -> bool:
    """Return whether there is neither NaN nor infinity, with one quick sum where all is well."""
    # finite values whose sum is infinite are told apart by the second look
    return bool(torch.isfinite(output.sum())) or bool(torch.isfinite(output).all())


def disagreement(reduced: torch.Tensor, reference: torch.Tensor, *, probabilities: bool) -> str | None:
    r"""Compare an output in 16 bits with the one in float32.

    Parameters
    ----------
    reduced, reference : torch.Tensor
        (batch, class, \\*patch) float32, after the activation.
    probabilities : bool
        Whether values are probabilities, so that differences are absolute; otherwise they are parts of the largest
        absolute value of `reference`.

    Returns
    -------
    str or None
        How they differ, to follow "it"; None where they agree: no value differs by more than `TOLERANCE`, and the
        largest class is the same wherever the reference puts its two best classes further apart than that.

    Examples
    --------
    >>> reference = torch.tensor([[[0.9, 0.4]], [[0.1, 0.6]]]).reshape(1, 2, 2)
    >>> disagreement(reference + 0.01, reference, probabilities=True) is None
    True
    >>> disagreement(reference + 0.1, reference, probabilities=True)
    'differs by up to 0.1 where 0.02 is allowed'
    """
    if not is_finite(reduced):
        return "gives NaN or infinity"
    tolerance = TOLERANCE * (1.0 if probabilities else float(reference.abs().max()))
    difference = float((reduced - reference).abs().max())
    if difference > tolerance:
        return f"differs by up to {difference:.3g} where {tolerance:.3g} is allowed"
    if reference.shape[1] > 1:
        best, second = reference.topk(2, dim=1).values.unbind(1)
        changed = (reduced.argmax(1) != reference.argmax(1)) & (best - second > tolerance)
        if bool(changed.any()):
            return f"puts {int(changed.sum())} voxels into another class"
    return None
