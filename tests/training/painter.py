"""A program that paints while it refines, until somebody kills it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch

from napari_seamless import load_model, open_volume
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.painting import Painting
from napari_seamless.training.refine_settings import RefineSettings
from napari_seamless.training.refining import Refiner

SHAPE = (40, 150, 150)


def main(folder: Path) -> None:
    """Paint a voxel every few milliseconds, in raster order with the values 1 and 2, and say when each was painted."""
    image = open_volume(np.random.default_rng(0).random(SHAPE, np.float32))
    model = load_model(torch.nn.Conv3d(1, 2, 3, padding=1), activation="softmax")
    painting = Painting(folder, Canvas.of(image))
    painting[0, 0, :2] = 1, 2
    refiner = Refiner(image, model, painting)
    settings = RefineSettings(patch_size=8, device="cpu", threads=1)
    threading.Thread(target=refiner.run, args=(settings,), daemon=True).start()
    for i in range(2, np.prod(SHAPE)):
        painting[np.unravel_index(i, SHAPE)] = 1 + i % 2
        sys.stdout.write(f"{i} {time.monotonic()}\n")  # the same clock for all processes
        sys.stdout.flush()
        time.sleep(0.003)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
