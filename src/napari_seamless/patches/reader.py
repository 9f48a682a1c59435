r"""Read one box as float32 (channel, \*spatial), normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.patches.layout import Layout
from napari_seamless.patches.padding import read_padded
from napari_seamless.types import Box, Normalization, Padding, Volume

if TYPE_CHECKING:
    from napari_seamless.patches.statistics import Statistics


FloatArray = np.ndarray[Any, np.dtype[np.float32]]


class PatchReader:
    """Read patches of a volume's finest level as a network wants them; safe to call from several threads.

    Parameters
    ----------
    volume : Volume
        What is read; axes ``t`` and ``b`` must have length one.
    channel : int or None
        The only channel that is read; None for all.
    normalization : Normalization
        How intensities are scaled.
    statistics : Statistics or None
        What `volume_statistics` measured for this kind of normalisation; None is enough for ``"none"``.
    padding : Padding or None
        What a box that reaches beyond the volume finds there, before normalisation; None refuses such boxes.

    Raises
    ------
    AxesError
        The volume has a longer ``t`` or ``b`` axis, or no such channel.
    SettingsError
        The statistics do not belong to the normalisation or to the channels.

    Examples
    --------
    >>> from napari_seamless.types import Level
    >>> level = Level(data=np.arange(24.0).reshape(4, 6), spacing=(1.0, 1.0), translation=(0.0, 0.0))
    >>> image = Volume(name="image", axes=("y", "x"), levels=(level,), units=(None, None))
    >>> patch = PatchReader(image).read(Box((1, 2), (3, 5)))
    >>> patch.shape, patch.dtype
    ((1, 2, 3), dtype('float32'))
    """

    def __init__(
        self,
        volume: Volume,
        *,
        channel: int | None = None,
        normalization: Normalization | None = None,
        statistics: Statistics | None = None,
        padding: Padding | None = None,
    ) -> None:
        self._padding = padding
        kind = (normalization or Normalization()).kind
        self._layout = Layout(volume=volume, channel=channel)
        self._scaling = None if kind == "none" else _scaling(kind, statistics, self._layout)
        self._can_be_infinite = _can_be_infinite(self._layout, self._scaling, padding)

    @property
    def volume(self) -> Volume:
        """What is read."""
        return self._layout.volume

    @property
    def n_channels(self) -> int:
        """Length of the channel axis of every patch."""
        return self._layout.n_channels

    def read(self, box: Box) -> FloatArray:
        r"""Return the voxels of a box.

        Parameters
        ----------
        box : Box
            Not empty, inside the volume or within the padding; coordinates of the finest level.

        Returns
        -------
        numpy.ndarray
            float32, C-contiguous, (channel, \*spatial), ``(x - offset) * gain`` in float32 arithmetic; a new array.

        Raises
        ------
        VolumeError
            The box is outside, cannot be read, or holds NaN or infinity; the text names it.
        """
        patch = np.empty((self.n_channels, *box.shape), dtype=np.float32)
        self.read_into(box, patch)
        return patch

    def read_into(self, box: Box, out: FloatArray) -> None:
        r"""Write the voxels of a box into an array, such as one patch of a batch.

        Parameters
        ----------
        box : Box
            As in `read`.
        out : numpy.ndarray
            float32 (channel, \*spatial) of the box's shape; what it holds is undefined when this raises.

        Raises
        ------
        VolumeError
            As in `read`.

        Examples
        --------
        >>> from napari_seamless.types import Level
        >>> level = Level(data=np.arange(6.0), spacing=(1.0,), translation=(0.0,))
        >>> line = Volume(name="line", axes=("x",), levels=(level,), units=(None,))
        >>> batch = np.empty((2, 1, 3), dtype=np.float32)
        >>> for patch, start in zip(batch, (0, 2)):
        ...     PatchReader(line).read_into(Box((start,), (start + 3,)), patch)
        >>> batch[1].tolist()
        [[2.0, 3.0, 4.0]]
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused below, with the box
            self._fill(box, out)
            if self._scaling is not None:
                offset, gain = self._scaling
                out -= offset
                out *= gain
            # the sum is quick and tells almost always; finite values with an infinite sum take the second look
            total = out.sum() if self._can_be_infinite else 0.0
        if not np.isfinite(total) and not np.isfinite(out).all():
            raise VolumeError(
                f"{self._layout.text(box)} holds NaN, infinity or values beyond float32; replace them first."
            )

    def _fill(self, box: Box, out: FloatArray) -> None:
        """Write a box as the volume holds it, or the padding beyond it."""
        if self._padding is None or not _reaches_out(box, self.volume.spatial_shape):
            self._layout.read_into(box, out)
        else:
            out[...] = read_padded(self._as_float, self.volume.spatial_shape, box, self._padding)

    def _as_float(self, box: Box) -> FloatArray:
        """Read float32, so that a mean or a padding value need not fit the volume's own type."""
        return self._layout.read(box).astype(np.float32, copy=False)


def _reaches_out(box: Box, shape: tuple[int, ...]) -> bool:
    return any(a < 0 or b > n for a, b, n in zip(box.start, box.stop, shape, strict=True))


def _can_be_infinite(layout: Layout, scaling: tuple[FloatArray, FloatArray] | None, padding: Padding | None) -> bool:
    """Tell whether some value of the volume's type would not be finite as a float32 after scaling."""
    dtype = layout.volume.dtype
    if dtype.kind not in "biu" or padding is not None:
        return True
    largest = 1.0 if dtype.kind == "b" else float(max(abs(np.iinfo(dtype).min), np.iinfo(dtype).max))
    offset, gain = (np.float64(0), np.float64(1)) if scaling is None else (np.abs(a, dtype=np.float64) for a in scaling)
    return bool(np.max((largest + offset) * np.maximum(gain, 1)) > 0.99 * np.finfo(np.float32).max)


def _scaling(kind: str, statistics: Statistics | None, layout: Layout) -> tuple[FloatArray, FloatArray]:
    r"""Return offset and gain as float32, shaped to meet (channel, \*spatial)."""
    if statistics is None or statistics.kind != kind or len(statistics.offset) != layout.n_channels:
        came = "none" if statistics is None else f"{statistics.kind} of {len(statistics.offset)}"
        raise SettingsError(
            f"statistics must be those of {kind} for {layout.n_channels} channels of {layout.volume.name}, got {came}; "
            "measure them with volume_statistics."
        )
    shape = (-1, *(1,) * len(layout.volume.spatial_axes))
    return (
        np.asarray(statistics.offset, dtype=np.float32).reshape(shape),
        np.asarray(statistics.gain, dtype=np.float32).reshape(shape),
    )
