"""How much each voxel of a patch counts where patches meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, get_args

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.plan import window_array
from napari_seamless.sampling.arrays import to_numpy
from napari_seamless.types import Window, WindowKind

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
WeightsOf = Callable[[tuple[int, ...]], FloatArray]


def weights_of(weights: Any, patch: tuple[int, ...]) -> WeightsOf:
    """Return the function from a patch shape to the weights of such a patch.

    Parameters
    ----------
    weights : str, Window, array or callable
        ``"avg"`` or the name of a window; a window; one weight for each voxel of a patch; or a function from the patch
        size to such weights. A smaller patch at the border has a window of its own size, and the first part of weights
        that were given as an array.
    patch : tuple of int
        The patch size.

    Raises
    ------
    GeometryError
        The weights have another shape than a patch, or some are negative or not finite.

    Examples
    --------
    >>> weights_of("avg", (4,))((2,))
    array([1., 1.], dtype=float32)
    """
    if isinstance(weights, str):
        window = _window("constant" if weights == "avg" else weights)
        return lambda shape: window_array(window, shape)
    if isinstance(weights, Window) and not weights.is_given:
        return lambda shape: window_array(weights, shape)
    if isinstance(weights, Window):
        array = window_array(weights, weights.size)
    else:
        array = to_numpy(weights(patch) if callable(weights) else weights)
    checked = _checked(array, patch)
    return lambda shape: checked[tuple(slice(0, n) for n in shape)]


def _window(name: str) -> Window:
    if name not in get_args(WindowKind):
        raise GeometryError(
            f"weights must be avg, {', '.join(get_args(WindowKind))}, an array or a callable, got {name!r}; "
            "try gaussian."
        )
    return Window(kind=cast("WindowKind", name))


def _checked(array: np.ndarray[Any, Any], patch: tuple[int, ...]) -> FloatArray:
    if array.shape != patch:
        raise GeometryError(f"weights must have one value for each voxel of a patch {patch}, got {array.shape}.")
    array = array.astype(np.float32)
    if not np.isfinite(array).all() or array.min() < 0:
        raise GeometryError("weights must be finite and not negative; replace the others.")
    return array
