"""Image and labels layers of napari, met by what they offer: napari itself is not imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.errors import VolumeError
from napari_seamless.volume.arrays import find_array
from napari_seamless.volume.axes import clean_axes
from napari_seamless.volume.found import Found, MissingChunks, align_levels
from napari_seamless.volume.zarr_data import ZarrData
from napari_seamless.volume.zarr_source import is_zarr

if TYPE_CHECKING:
    from napari_seamless.types import ArrayLike

_NO_VOLUMES = frozenset({"Points", "Shapes", "Surface", "Tracks", "Vectors"})


def is_layer(source: Any) -> bool:
    """Tell whether a source offers what a layer of napari offers."""
    return all(hasattr(source, attribute) for attribute in ("visible", "translate", "scale", "name", "data"))


def find_layer(layer: Any, missing_chunks: MissingChunks) -> Found:
    """Return what an image or labels layer says of its data; rotation, shear and affine of the layer are not used.

    Raises
    ------
    VolumeError
        The layer holds points, shapes, a surface or tracks.
    """
    kinds = {kind.__name__ for kind in type(layer).__mro__}
    if kinds & _NO_VOLUMES or not hasattr(layer, "multiscale"):
        raise VolumeError(
            f"The layer {layer.name!r} is of type {type(layer).__name__}; choose an image or labels layer."
        )
    arrays = tuple(_lazy(a, layer.name, missing_chunks) for a in (layer.data if layer.multiscale else [layer.data]))
    rgb = bool(getattr(layer, "rgb", False))
    names = clean_axes(getattr(layer, "axis_labels", None))
    extra = 1 if rgb else 0
    scale, shift = (*map(float, layer.scale), *(1.0,) * extra), (*map(float, layer.translate), *(0.0,) * extra)
    scales, shifts = align_levels(arrays, scale, shift)
    ndim = len(arrays[0].shape)
    if names is None and rgb and ndim <= 4:
        names = tuple("zyx"[4 - ndim :])
    source = getattr(getattr(layer, "source", None), "path", None)
    return Found(
        name=str(layer.name),
        arrays=arrays,
        axes=(*names, "c") if rgb and names else names,
        scales=scales,
        translations=shifts,
        units=(*(str(unit) for unit in getattr(layer, "units", ("",) * (ndim - extra))), *(None,) * extra),
        source=str(source) if source else None,
        is_labels="Labels" in kinds,
    )


def _lazy(array: Any, name: str, missing_chunks: MissingChunks) -> ArrayLike:
    if is_zarr(array):
        return ZarrData(array, name, missing_chunks)
    found = find_array(array, name)
    if found is None:
        raise VolumeError(f"The layer {name!r} holds {type(array).__name__}, which is no array.")
    return found.arrays[0]
