"""Start from nothing: a small network that knows no more than what is painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import SettingsError
from napari_seamless.models import TorchModel
from napari_seamless.models.adapter import module_hash
from napari_seamless.models.unet import make_unet
from napari_seamless.types import ModelSpec, Normalization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Volume


def untrained_network(
    volume: Volume,
    classes: Sequence[str],
    *,
    channels: Sequence[int] = (8, 16, 32),
    channel: int | None = None,
    seed: int = 0,
) -> TorchModel:
    """Return a U-Net that has learnt nothing, for scribbles of one volume; refine it without rehearsal.

    It does not normalise by the patch: around a scribble, a patch often holds one class alone, whose brightness and
    contrast say what it is.

    Parameters
    ----------
    volume : Volume
        Two or three spatial axes; intensities are brought to zero mean and unit standard deviation over the whole
        volume.
    classes : sequence of str
        Names of the classes, the background first; at least two.
    channels : sequence of int
        Channels of the U-Net at each level, finest first.
    channel : int or None
        The only channel of the volume that is used.
    seed : int
        Of the weights.

    Raises
    ------
    SettingsError
        There are fewer than two classes, or one is named twice.
    ModelError
        The volume has one axis, or more than three.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.volume import open_volume
    >>> image = open_volume(np.zeros((32, 32), np.uint8))
    >>> untrained_network(image, ("background", "cell")).spec.out_channels
    2
    """
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise SettingsError(f"classes must be two or more, each named once, got {', '.join(classes) or 'none'}.")
    n_spatial = len(volume.spatial_axes)
    n_channels = 1 if channel is not None else volume.n_channels
    network = make_unet(n_channels, len(classes), channels=channels, n_spatial=n_spatial, norm="batch", seed=seed)
    spec = ModelSpec(
        name="scribbles",
        n_spatial=n_spatial,
        in_channels=n_channels,
        out_channels=len(classes),
        classes=tuple(classes),
        normalization=Normalization(kind="zscore"),
        activation="softmax",
        sha256=module_hash(network),
    )
    return TorchModel(network, spec)
