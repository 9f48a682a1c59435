"""The network that is trained: built, checked, and described for its file."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING

import torch

from napari_seamless.errors import ModelError
from napari_seamless.models import make_unet
from napari_seamless.types import ModelSpec, Normalization

if TYPE_CHECKING:
    from napari_seamless.training.pair import TrainingPair
    from napari_seamless.training.settings import TrainingSettings
    from napari_seamless.types import Volume


def build_unet(pair: TrainingPair, n_classes: int, settings: TrainingSettings) -> torch.nn.Module:
    """Return a U-Net with new weights that fits a volume."""
    return make_unet(
        pair.image.n_channels,
        n_classes,
        channels=settings.channels,
        n_spatial=len(pair.labels.shape),
        norm=settings.norm,
        seed=settings.seed,
    )


def describe(
    network: torch.nn.Module, image: Volume, classes: tuple[str, ...], settings: TrainingSettings, name: str
) -> ModelSpec:
    """Return what the network file will say of a network, which is checked.

    Raises
    ------
    ModelError
        The network does not take patches of the image, returns something else than the classes, or cannot be stored.
    """
    patch = settings.patches(len(image.spatial_axes)).patch_size
    out = _n_outputs(network, (1, image.n_channels, *patch))
    if out != len(classes) and not (out == 1 and len(classes) == 2):
        raise ModelError(
            f"The network returns {out} classes, but the labels have {len(classes)} ({', '.join(classes)}); give a "
            "network with as many."
        )
    _check_storable(network)
    is_known = any(image.units) or any(s != 1 for s in image.spacing)
    return ModelSpec(
        name=name,
        n_spatial=len(patch),
        in_channels=image.n_channels,
        out_channels=out,
        classes=classes,
        normalization=Normalization(kind=settings.normalization),
        activation="sigmoid" if out == 1 else "softmax",
        patch_size=patch,
        spacing=image.spacing if is_known else None,
        units=image.units if is_known else (),
    )


def _n_outputs(network: torch.nn.Module, shape: tuple[int, ...]) -> int:
    """Return the channels of the output, which must have the patch's size."""
    copied = copy.deepcopy(network).cpu().eval()
    try:
        with torch.inference_mode():
            output = copied(torch.zeros(shape))
    except Exception as error:  # a foreign network may raise anything
        raise ModelError(
            f"The network cannot take a batch of shape {shape} ({_last_line(error)}); check its channels "
            "and the patch size."
        ) from error
    if not isinstance(output, torch.Tensor) or output.shape[2:] != shape[2:]:
        got = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise ModelError(f"The network must return (batch, class, *patch) for a patch of {shape[2:]}, got {got}.")
    return int(output.shape[1])


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


def _check_storable(network: torch.nn.Module) -> None:
    """Refuse a network that no file could hold, before hours are spent on it."""
    if isinstance(network, torch.jit.ScriptModule):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.jit.script(copy.deepcopy(network).eval())
    except Exception as error:  # TorchScript raises many kinds
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(
            f"The network {type(network).__name__} cannot be stored as TorchScript ({line.rstrip('.:')}); change what "
            "torch.jit.script refuses, or give it traced."
        ) from error
