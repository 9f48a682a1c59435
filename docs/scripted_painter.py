"""A person who corrects a network in the window, played by a script for the screenshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.engine import Control
from napari_seamless.models import demo_model, save_torchscript
from napari_seamless.types import Box

if TYPE_CHECKING:
    from pathlib import Path

CORRECTED = Box((80, 112, 40), (92, 176, 104))
"""Where the person paints."""
STROKES, RADIUS = 24, 5


def weaken(path: Path) -> None:
    """Write the bundled network with noise on its weights, as the tutorial does."""
    model = demo_model()
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in (p for p in model.network.parameters() if p.ndim > 1):
            weight.add_(0.5 * weight.std() * torch.randn(weight.shape, generator=noise))
    save_torchscript(model.network, path, model.spec)


def paint_truth(viewer: Any, dock: Any, plane: int) -> None:
    """Paint discs of the right class where the network is wrong, every second one on a plane, as careful people do."""
    truth = np.asarray(viewer.layers["brain reference"].data)[CORRECTED.slices]
    wrong = truth != np.asarray(dock.correcting.session.preview(CORRECTED, Control()).array)
    rng, grid = np.random.default_rng(0), np.indices(truth.shape[1:])
    dock.paint_view.group.buttons()[1].click()
    for i in range(STROKES):
        places = np.argwhere(wrong & (truth == i % 3))
        z, *centre = places[rng.integers(len(places))]
        z = plane - CORRECTED.start[0] if i % 2 else z
        near = np.hypot(*(grid - np.reshape(centre, (2, 1, 1)))) <= RADIUS
        y, x = np.nonzero(near & (truth[z] == i % 3))
        here = (np.full(y.size, z), y, x)
        indices = tuple(axis + first for axis, first in zip(here, CORRECTED.start, strict=True))
        viewer.layers["Corrections"].data_setitem(indices, i % 3 + 1)
