"""Test-time flips: the mean of a network over mirrored patches."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


def flipped_axes(flips: bool | tuple[str, ...], axes: tuple[str, ...]) -> tuple[int, ...]:
    """Return which spatial axes are flipped, as ascending positions.

    Parameters
    ----------
    flips : bool or tuple of str
        True flips every axis; a tuple names them.
    axes : tuple of str
        Names of the spatial axes.

    Raises
    ------
    SettingsError
        A name is no spatial axis.

    Examples
    --------
    >>> flipped_axes(True, ("z", "y", "x")), flipped_axes(("x", "y"), ("z", "y", "x"))
    ((0, 1, 2), (1, 2))
    """
    if isinstance(flips, bool):
        return tuple(range(len(axes))) if flips else ()
    unknown = [name for name in flips if name not in axes]
    if unknown:
        raise SettingsError(
            f"flips must name spatial axes of the volume ({', '.join(axes)}), got {unknown[0]}; name those or try all."
        )
    return tuple(sorted(axes.index(name) for name in flips))


def n_passes(flips: bool | tuple[str, ...], axes: tuple[str, ...]) -> int:
    """Return the forward passes for each patch.

    Examples
    --------
    >>> n_passes(True, ("z", "y", "x")), n_passes(False, ("z", "y", "x"))
    (8, 1)
    """
    return int(2 ** len(flipped_axes(flips, axes)))


def mean_over_flips(
    evaluate: Callable[[torch.Tensor], torch.Tensor], voxels: torch.Tensor, axes: tuple[int, ...]
) -> torch.Tensor:
    r"""Average what a network returns over all flips, each flipped back.

    Parameters
    ----------
    evaluate : callable
        (batch, channel, \\*patch) to (batch, class, \\*patch), float32.
    voxels : torch.Tensor
        (batch, channel, \\*patch) float32.
    axes : tuple of int
        Spatial axes to flip, 0 being the first after the channel.

    Returns
    -------
    torch.Tensor
        (batch, class, \\*patch) float32. The sum runs in one order always: no flip, the first axis, ..., all axes.
    """
    if not axes:
        return evaluate(voxels)
    dims = [axis + 2 for axis in axes]
    total = evaluate(voxels).clone()  # a network may return its input, which is not to be summed into
    for n in range(1, len(dims) + 1):
        for chosen in itertools.combinations(dims, n):
            total += evaluate(voxels.flip(chosen)).flip(chosen)
    return total.div_(2 ** len(dims))
