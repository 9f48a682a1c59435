"""A network as the engine sees it, and what it must know of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch

Activation = Literal["none", "softmax", "sigmoid"]
NormalizationKind = Literal["none", "minmax", "zscore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """How intensities become what the network was trained on: ``(x - offset) * gain`` per channel.

    Parameters
    ----------
    kind : {"none", "minmax", "zscore"}
        Keep values; scale the whole volume's range to [0, 1]; or zero mean and unit standard deviation over the
        whole volume. Never per patch: that would make the result depend on the grid.
    """

    kind: NormalizationKind = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    r"""What the engine must know of a network before it runs.

    Parameters
    ----------
    name : str
        Short name for messages and metadata.
    n_spatial : int or None
        Spatial axes of its input (batch, channel, \\*spatial); None where only a forward pass can tell.
    in_channels, out_channels : int or None
        Channels in and out; None where only a forward pass can tell.
    classes : tuple of str
        Names of the output classes, background first; empty where unknown.
    colors : tuple of (int, int, int, int)
        RGBA in 0..255 per class; empty where unknown.
    divisor : tuple of int
        Patch sizes must be multiples of this, per axis; one value stands for all axes.
    normalization : Normalization
        Applied to the input.
    activation : {"none", "softmax", "sigmoid"}
        Applied by the adapter to the network's output before blending.
    patch_size : tuple of int or None
        A patch size that the network was made for.
    spacing : tuple of float or None
        Voxel size per spatial axis that it was trained on, in `units`; None where unknown.
    units : tuple of (str or None)
        Unit of each spacing; empty where unknown.
    sha256 : str or None
        Hash of weights and architecture; None for a callable that has none.
    source : str or None
        Path or name it was loaded from.
    """

    name: str
    n_spatial: int | None = None
    in_channels: int | None = None
    out_channels: int | None = None
    classes: tuple[str, ...] = ()
    colors: tuple[tuple[int, int, int, int], ...] = ()
    divisor: tuple[int, ...] = (1,)
    normalization: Normalization = field(default_factory=Normalization)
    activation: Activation = "none"
    patch_size: tuple[int, ...] | None = None
    spacing: tuple[float, ...] | None = None
    units: tuple[str | None, ...] = ()
    sha256: str | None = None
    source: str | None = None


@runtime_checkable
class Model(Protocol):
    """A network as the engine sees it: a spec, a device, and one call."""

    @property
    def spec(self) -> ModelSpec:
        """What the engine must know before it runs."""
        ...

    def to(self, device: torch.device) -> None:
        """Move the weights to a device."""
        ...

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        r"""Map float32 (batch, channel, \\*spatial) to (batch, class, \\*spatial) on the same device."""
        ...
