"""Whether volume, network and painting belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from napari_seamless.training.painting import Painting
    from napari_seamless.training.refine_settings import RefineSettings
    from napari_seamless.types import Model, ModelSpec, Volume


def check_fit(volume: Volume, model: Model, painting: Painting) -> None:
    """Refuse a painting or a network that does not belong to a volume.

    Raises
    ------
    SettingsError
        The painting has another shape, or more classes than the network.
    ModelError
        The network has other spatial axes.
    """
    if volume.spatial_shape != painting.shape:
        raise SettingsError(
            f"The corrections have the shape {painting.shape}, but {volume.name} has {volume.spatial_shape} voxels; "
            "choose the corrections that belong to this volume."
        )
    spec = model.spec
    n = len(volume.spatial_axes)
    if spec.n_spatial is not None and spec.n_spatial != n:
        raise ModelError(
            f"The network {spec.name} works on {spec.n_spatial} spatial axes, but {volume.name} has {n}; choose "
            "another network."
        )
    classes = _n_classes(spec)
    if classes is not None and len(painting.canvas.classes) > classes:
        raise SettingsError(
            f"The corrections have {len(painting.canvas.classes)} classes, but the network {spec.name} has {classes}; "
            "choose another network or fewer classes."
        )


def check_paint(painting: Painting, spec: ModelSpec, settings: RefineSettings) -> None:
    """Refuse to refine on what is painted now.

    Raises
    ------
    SettingsError
        Nothing is painted, a class is not one of the network, or one class is all there is.
    """
    painted = painting.n_painted
    classes = _n_classes(spec)
    if not painted:
        raise SettingsError("Nothing is painted; paint some voxels with the classes that they should have.")
    if classes is not None and max(painted) >= classes:
        raise SettingsError(
            f"Class {max(painted)} is painted, but the network {spec.name} has the classes 0 to {classes - 1}; erase "
            "it or choose another network."
        )
    if len(painted) < 2 and not settings.rehearsal:
        raise SettingsError(
            "Only one class is painted, and without rehearsal the network would learn to answer nothing else; paint "
            "some voxels of another class."
        )


def _n_classes(spec: ModelSpec) -> int | None:
    """Return the classes of a network; None where only its output can tell."""
    channels = spec.out_channels or len(spec.classes) or None
    return 2 if channels == 1 else channels
