"""One run in a process of its own, which a test kills: python killed_run.py IMAGE.npy OUTPUT [resume]."""

from __future__ import annotations

import sys
import time

import numpy as np
import torch

from napari_seamless import prepare
from napari_seamless.models import TorchModel
from napari_seamless.recipe import make_settings
from napari_seamless.types import ModelSpec

SETTINGS = {"patch_size": 12, "overlap": 0.5, "chunk_size": 8, "device": "cpu", "write": "probabilities"}


def model(seconds: float) -> TorchModel:
    """Return a network whose sums round, so that another order of summation shows in the bytes."""

    def network(x: torch.Tensor) -> torch.Tensor:
        time.sleep(seconds)
        return torch.cat([x.sin(), x.cos() / 3], 1)

    return TorchModel(network, ModelSpec(name="slow", n_spatial=2, sha256="fixed"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    image, settings = np.load(sys.argv[1], mmap_mode="r"), make_settings(**SETTINGS)
    job = prepare(image, model(0.004), settings, sys.argv[2], resume=len(sys.argv) > 3)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    job.run()
