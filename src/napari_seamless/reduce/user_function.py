"""A function of one's own that turns the mean outputs of a finished chunk into what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import ModelError, SeamlessError, SettingsError
from napari_seamless.reduce.fingerprint import fingerprint, name_of

if TYPE_CHECKING:
    from napari_seamless.types import Box

    FloatArray = np.ndarray[Any, np.dtype[np.float32]]

Form = tuple[tuple[int, ...], np.dtype[Any]]
"""Lengths of the axes before the spatial ones, none for labels, and type of a stored block."""

OwnFunction = Callable[[np.ndarray[Any, Any], Any], Any]


class UserFunction:
    r"""Call a function once for each finished chunk and check what it returns.

    Whole numbers of the chunk's shape are labels; true and false become 1 and 0. Anything else is stored with an axis
    of channels first.

    Parameters
    ----------
    function : callable
        ((class, \\*chunk) float32 means of the network's outputs, `Box` of the chunk) to an array (\\*chunk) or
        (channel, \\*chunk). It may be called from several threads at once, and may overwrite what it gets.

    Raises
    ------
    SettingsError
        It cannot be called.

    Examples
    --------
    >>> from napari_seamless.types import Box
    >>> certain = UserFunction(lambda means, box: means.max(axis=0) > 0.9)
    >>> box = Box((0,), (2,))
    >>> certain.form(3, box)
    ((), dtype('uint8'))
    >>> certain(np.array([[0.95, 0.5], [0.05, 0.5]], np.float32), box)
    array([1, 0], dtype=uint8)
    """

    def __init__(self, function: OwnFunction) -> None:
        if not callable(function):
            raise SettingsError(
                f"reduce must be a function of (means, box), got {type(function).__name__}; "
                "leave it out to store labels or probabilities."
            )
        self._function = function
        self._forms: dict[int, Form] = {}

    @property
    def identity(self) -> dict[str, str]:
        """What tells the function from another one, or from itself before it was changed: see `fingerprint`."""
        return fingerprint(self._function)

    def form(self, classes: int, box: Box) -> Form:
        r"""Return axes and type of what the function returns, found by one call on a (class, \\*box) block of zeros.

        Parameters
        ----------
        classes : int
            Channels of the network's output.
        box : Box
            A chunk.

        Raises
        ------
        ModelError
            The function fails, or returns what cannot be stored.
        """
        if classes not in self._forms:
            result = self._call(np.zeros((classes, *box.shape), np.float32), box, " of zeros, which tells its type,")
            self._forms[classes] = (result.shape[: result.ndim - len(box.shape)], result.dtype)
        return self._forms[classes]

    def __call__(self, means: FloatArray, box: Box) -> np.ndarray[Any, Any]:
        r"""Return what is stored of a chunk.

        Parameters
        ----------
        means : numpy.ndarray
            (class, \\*box) float32, 0 where no patch lies.
        box : Box
            The chunk.

        Raises
        ------
        ModelError
            The function fails, or returns another shape or type than it did for the block of zeros.
        """
        leading, dtype = self.form(len(means), box)
        result = self._call(means, box)
        if (result.shape, result.dtype) != ((*leading, *box.shape), dtype):
            raise ModelError(
                f"The function {name_of(self._function)} given as reduce returned {result.dtype} of shape "
                f"{result.shape} for the chunk from {box.start} to {box.stop}, but {dtype} of shape "
                f"{(*leading, *box.shape)} was expected from what it returned for zeros; return the same type always."
            )
        return result

    def _call(self, means: FloatArray, box: Box, of: str = "") -> np.ndarray[Any, Any]:
        """Call the function; labels come back in the chunk's shape, all else with a first axis of channels."""
        where = f"for the chunk{of} from {box.start} to {box.stop}"
        try:
            result = np.asarray(self._function(means, box))
        except (SeamlessError, MemoryError):
            raise
        except Exception as error:  # the function is not ours and may raise anything
            raise ModelError(
                f"The function {name_of(self._function)} given as reduce failed {where} "
                f"({type(error).__name__}: {error}); it gets an array {means.shape} and the chunk's box."
            ) from error
        if result.shape[-len(box.shape) :] != box.shape or result.ndim > len(box.shape) + 1 or 0 in result.shape:
            raise ModelError(
                f"The function {name_of(self._function)} given as reduce returned shape {result.shape} {where}; "
                f"return {box.shape}, or one axis of channels before it."
            )
        if result.dtype.kind not in "biuf" or result.dtype.itemsize > 8:
            raise ModelError(
                f"The function {name_of(self._function)} given as reduce returned {result.dtype} {where}; "
                "return whole numbers for labels, or real numbers of at most 64 bits."
            )
        kept = np.uint8 if result.dtype.kind == "b" else result.dtype.newbyteorder("=")
        result = np.ascontiguousarray(result, kept)  # sinks store bytes as they lie
        return result[None] if result.dtype.kind == "f" and result.ndim == len(box.shape) else result
