"""The little that NumPy and torch do under different names."""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np

Array = Any
"""A NumPy array or a torch tensor."""


def is_tensor(values: Any) -> bool:
    """Tell whether something is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def to_numpy(values: Any) -> np.ndarray[Any, Any]:
    """Return a NumPy array of anything that holds numbers."""
    if not is_tensor(values):
        return np.asarray(values)
    values = values.detach().cpu()
    return np.asarray(values.float() if "bfloat16" in str(values.dtype) else values)


class Backend(Protocol):
    """Floating point arrays of one library; `double` chooses float64, else float32."""

    double: bool

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return zeros."""
        ...

    def floats(self, values: Any) -> Array:
        """Return any array as floats of this library."""
        ...

    def divide(self, sums: Array, weights: Array, *, inplace: bool) -> Array:
        """Return sums / weights, and 0 where the weight is 0."""
        ...

    def cast(self, values: Array, dtype: Any) -> Array:
        """Return another type; whole numbers are rounded."""
        ...


class NumpyBackend:
    """Arrays in host memory."""

    def __init__(self, *, double: bool) -> None:
        self.double = double
        self._dtype = np.dtype(np.float64 if double else np.float32)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return zeros."""
        return np.zeros(shape, self._dtype)

    def floats(self, values: Any) -> Array:
        """Return any array as floats of NumPy."""
        return to_numpy(values).astype(self._dtype, copy=False)

    def divide(self, sums: Array, weights: Array, *, inplace: bool) -> Array:
        """Return sums / weights, and 0 where the weight is 0."""
        return np.divide(sums, weights, out=sums if inplace else np.zeros_like(sums), where=weights > 0)

    def cast(self, values: Array, dtype: Any) -> Array:
        """Return another type; whole numbers are rounded."""
        dtype = np.dtype(dtype)
        if dtype.kind in "iub" and values.dtype.kind == "f":
            values = np.rint(values)
        return values.astype(dtype, copy=False)


class TorchBackend:
    """Tensors on one device."""

    def __init__(self, device: Any, *, double: bool) -> None:
        import torch

        self.double = double
        self._torch = torch
        self._device = torch.device(device)
        self._dtype = torch.float64 if double else torch.float32

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return zeros."""
        return self._torch.zeros(tuple(shape), dtype=self._dtype, device=self._device)

    def floats(self, values: Any) -> Array:
        """Return any array as floats of torch."""
        if not is_tensor(values):
            values = self._torch.tensor(np.asarray(values))
        return values.detach().to(self._device, self._dtype)

    def divide(self, sums: Array, weights: Array, *, inplace: bool) -> Array:
        """Return sums / weights, and 0 where the weight is 0."""
        # where no weight is, the sum is 0 as well: dividing by one keeps it
        safe = self._torch.where(weights > 0, weights, self._torch.ones_like(weights))
        return sums.div_(safe) if inplace else sums / safe

    def cast(self, values: Array, dtype: Any) -> Array:
        """Return another type; whole numbers are rounded."""
        if not dtype.is_floating_point and values.is_floating_point():
            values = values.round()
        return values.to(dtype)


def backend_for(output: Any, device: Any, like: Any) -> Backend:
    """Choose the library that sums are kept in.

    Parameters
    ----------
    output : array or None
        Where the result goes; a tensor keeps the sums on its own device.
    device : str or torch.device
        Where tensors are summed if there is no output.
    like : array
        A patch, whose library is taken if there is no output.

    Returns
    -------
    Backend
        float64 for an output of float64 or of whole numbers above 16 bits, which float32 cannot hold, else float32.
    """
    double = output is not None and str(output.dtype).endswith(("float64", "int32", "int64"))
    if is_tensor(output):
        return TorchBackend(output.device, double=double)
    if output is None and is_tensor(like):
        return TorchBackend(device, double=double)
    return NumpyBackend(double=double)
