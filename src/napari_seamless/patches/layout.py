"""Where channel and space lie in a volume's array, and how a box is read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.types import NON_SPATIAL_AXES, Box, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
FloatArray = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    r"""How boxes of the finest level are read as (channel, \*spatial).

    Parameters
    ----------
    volume : Volume
        What is read; axes ``t`` and ``b`` have length one.
    channel : int or None
        The only channel that is read; None for all.
    """

    volume: Volume
    channel: int | None = None

    def __post_init__(self) -> None:
        for axis, n in zip(self.volume.axes, self.volume.shape, strict=True):
            if axis in {"b", "t"} and n > 1:
                raise AxesError(
                    f"{self.volume.name} has {n} indices along {axis}; choose one with "
                    f"napari_seamless.volume.at(volume, {axis}=0), or name the axes anew when opening it."
                )
        n = self.volume.n_channels
        if self.channel is not None and not 0 <= self.channel < n:
            raise AxesError(f"channel must be in 0..{n - 1} for {self.volume.name}, got {self.channel}.")

    @property
    def n_channels(self) -> int:
        """Channels that are read."""
        return 1 if self.channel is not None else self.volume.n_channels

    def read(self, box: Box) -> np.ndarray[Any, Any]:
        r"""Return (channel, \*spatial) in the volume's own type; not always contiguous.

        Raises
        ------
        VolumeError
            The box reaches outside the volume, or it cannot be read; the text names the box.
        """
        key, order = self._key(box)
        part = self._naming(box, lambda: np.asarray(self.volume.data[key])).transpose(order)
        return part if self._has_channels else part[np.newaxis]

    def read_into(self, box: Box, out: FloatArray) -> None:
        r"""Write a box as (channel, \*spatial) into an array, cast to its type; raises what `read` raises.

        An array that offers ``read_into(key, out)``, as those that keep decoded chunks do, fills it without a copy.
        """
        write = getattr(self.volume.data, "read_into", None)
        if write is None:
            np.copyto(out, self.read(box), casting="unsafe")
            return
        key, order = self._key(box)
        whole = out if self._has_channels else out[0]
        self._naming(box, lambda: write(key, whole.transpose(np.argsort(order))))

    @property
    def _has_channels(self) -> bool:
        """Whether what is read has a channel axis before one is put in front."""
        return "c" in self.volume.axes and self.channel is None

    def _naming(self, box: Box, read: Callable[[], T]) -> T:
        """Return what `read` returns, with the box named in what it raises."""
        try:
            return read()
        except MemoryError:
            raise
        except VolumeError as error:
            raise type(error)(f"{str(error).rstrip('.')} (while reading {self.text(box)}).") from error
        except Exception as error:  # a foreign lazy array may raise anything
            raise VolumeError(f"{self.text(box)} cannot be read ({type(error).__name__}: {error}).") from error

    def text(self, box: Box) -> str:
        """Name a box in a message."""
        spans = ", ".join(
            f"{axis} {a}:{b}" for axis, a, b in zip(self.volume.spatial_axes, box.start, box.stop, strict=True)
        )
        return f"the box {spans} of {self.volume.name}"

    def _check(self, box: Box) -> None:
        shape = self.volume.spatial_shape
        if len(box.start) != len(shape):
            raise VolumeError(f"A box in {self.volume.name} has {len(shape)} axes, got {box}.")
        if any(a < 0 or b > n or a >= b for a, b, n in zip(box.start, box.stop, shape, strict=True)):
            raise VolumeError(f"{self.text(box)} is empty or reaches outside its shape {shape}.")

    def _key(self, box: Box) -> tuple[tuple[slice | int, ...], tuple[int, ...]]:
        """Return the index of a box, and the order that brings the channel axis, where it is left, to the front."""
        self._check(box)
        spans = iter(box.slices)
        key: list[slice | int] = []
        kept: list[str] = []
        for axis in self.volume.axes:
            if axis in NON_SPATIAL_AXES and (axis != "c" or self.channel is not None):
                key.append(self.channel or 0 if axis == "c" else 0)
                continue
            key.append(slice(None) if axis == "c" else next(spans))
            kept.append(axis)
        return tuple(key), tuple(sorted(range(len(kept)), key=lambda i: kept[i] != "c"))
