"""The runs that tests kill: small, slowed a little, and each with another way of keeping what is not finished."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_seamless.engine import Job, prepare
from napari_seamless.errors import SettingsError
from napari_seamless.models import TorchModel
from napari_seamless.recipe import make_settings
from napari_seamless.types import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One run: the shape of its volume, the classes of its network and the settings."""

    shape: tuple[int, ...]
    classes: int = 2
    settings: dict[str, Any] = field(default_factory=dict)

    def image(self) -> np.ndarray:
        """Return float32 voxels in [0, 1)."""
        return np.random.default_rng(0).random(self.shape, np.float32)

    def job(self, image: Path, output: Path, **choice: bool) -> Job:
        """Prepare the run over a saved image."""
        settings = make_settings(overlap=0.5, device="cpu", **self.settings)
        return prepare(np.load(image, mmap_mode="r"), self.model(), settings, output, **choice)

    def model(self) -> TorchModel:
        """Return a slow network whose sums round, so that another order of summation shows in the bytes."""
        gains = torch.linspace(1, 3, self.classes).reshape(1, -1, *(1,) * len(self.shape))

        def network(x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.001)
            return (x * gains).sin() / 3

        return TorchModel(network, ModelSpec(name="slow", n_spatial=len(self.shape), sha256="fixed"))


FLOATS = {"write": "probabilities"}
"""Labels hide what changes in the last digit."""
SCENARIOS = {
    "labels": Scenario(shape=(90, 140), classes=3, settings={"patch_size": 12, "chunk_size": 16}),
    # the sums of one row of patches take about twice the budget
    "spilled": Scenario(
        shape=(40, 96, 96),
        settings={"patch_size": 16, "chunk_size": 16, "memory_budget": "1MiB", **FLOATS},
    ),
    "padded": Scenario(
        shape=(90, 150),
        settings={"patch_size": (12, 20), "chunk_size": (9, 30), "border": "pad", "batch_size": 3, **FLOATS},
    ),
    "sharded": Scenario(shape=(40, 72, 72), settings={"patch_size": 16, "chunk_size": 12, "shard_size": 24, **FLOATS}),
}


def run(scenario: Scenario, image: Path, output: Path) -> None:
    """Go on with the run in `output`, or begin it where it was killed before its journal existed."""
    torch.set_num_threads(2)  # two forward passes side by side
    try:
        scenario.job(image, output, resume=True).run()
    except SettingsError as error:
        if "no journal" not in str(error):
            raise
        scenario.job(image, output, overwrite=True).run()
