"""Which labels a volume has, as far as a look at its middle tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_seamless._napari.distance_layers import coarse_part
from napari_seamless.errors import SeamlessError
from napari_seamless.types import Volume
from napari_seamless.volume import open_volume

MOST_LOOKED_AT = 2**24
"""Voxels."""


def layer_names(layer: Any) -> dict[int, str]:
    """Return the names that a labels layer shows when the cursor is over a label.

    They are a column of text beside the column ``index`` of its features.
    """
    features = getattr(layer, "features", None)
    if features is None or "index" not in features:
        return {}
    texts = [column for column in features if column != "index" and features[column].map(type).eq(str).all()]
    if not texts:
        return {}
    column = next((name for name in ("class", "name", "label") if name in texts), texts[0])
    return {int(value): name for value, name in zip(features["index"], features[column], strict=True)}


def survey(volume: Volume, names: Mapping[int, str]) -> dict[int, str]:
    """Return labels in order, with a name or an empty text; reads, so call it off the main thread."""
    known = dict(names) or _stored_names(volume)
    seen = np.unique(coarse_part(volume, MOST_LOOKED_AT)).tolist()
    return {int(value): known.get(int(value), "") for value in sorted({*known, *seen})}


def _stored_names(volume: Volume) -> dict[int, str]:
    """Return the names that the file has where a layer does not show them."""
    if volume.label_names or volume.source is None:
        return dict(volume.label_names)
    try:
        return dict(open_volume(volume.source).label_names)
    except (SeamlessError, OSError):
        return {}
