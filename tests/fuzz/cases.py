"""Runs of any geometry that are quick enough to search among thousands of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.engine.networks import Network
from tests.strategies import BORDERS

from napari_seamless import segment
from napari_seamless.engine import Segmentation
from napari_seamless.errors import SettingsError
from napari_seamless.models import TorchModel
from napari_seamless.types import BorderMode, ModelSpec, Plan, Window
from napari_seamless.volume import open_volume

LONGEST = 40
MOST_VOXELS = 20_000
MOST_PATCHES = {1: 40, 2: 10, 3: 4, 4: 2}
"""Steps along each axis, for every number of axes."""
MOST_CHUNKS = {1: 12, 2: 4, 3: 3, 4: 2}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A volume's shape and the geometry of a run over it."""

    shape: tuple[int, ...]
    patch: tuple[int, ...]
    overlap: tuple[float, ...]
    border: BorderMode
    window: Window
    batch: int
    seed: int

    @property
    def voxels(self) -> np.ndarray:
        """Float32 voxels in [0, 1)."""
        return np.random.default_rng(self.seed).random(self.shape, np.float32)

    def run(
        self, network: Network, voxels: np.ndarray | None = None, output: Any = None, **change: Any
    ) -> Segmentation:
        """Segment the volume, on a CPU."""
        model = TorchModel(network, ModelSpec(name="network", n_spatial=len(self.shape), sha256="fixed"))
        settings: dict[str, Any] = {
            "patch_size": self.patch,
            "overlap": self.overlap,
            "border": self.border,
            "window": self.window,
            "batch_size": self.batch,
            "write": "probabilities",
            "device": "cpu",
            **change,
        }
        volume = open_volume(self.voxels if voxels is None else voxels, axes="vwzyx"[-len(self.shape) :])
        return segment(volume, model, output, **settings)

    def run_tight(self, network: Network, output: Path | None = None, **change: Any) -> Segmentation:
        """Segment the volume with the smallest budget, of 1, 2, 4, ... MiB, that holds one batch."""
        for mebibytes in (2**i for i in range(10)):
            try:
                return self.run(network, output=output, memory_budget=mebibytes * 2**20, **change)
            except SettingsError as error:
                if not str(error).startswith("memory_budget"):
                    raise
        raise AssertionError("a run over a tiny volume wants a GiB")


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, ...]:
    """Draw one to four lengths whose product stays small."""
    lengths: list[int] = []
    for _ in range(draw(st.integers(1, 4))):
        most = min(LONGEST, MOST_VOXELS // int(np.prod(lengths, dtype=int)))
        lengths.append(draw(st.integers(1, most)))
    return tuple(draw(st.permutations(lengths)))


@st.composite
def cases(draw: st.DrawFn, borders: tuple[BorderMode, ...] = (*BORDERS, "pad")) -> Case:
    """Draw a run."""
    shape, border = draw(shapes()), draw(st.sampled_from(borders))
    axes = [draw(_patches(length, MOST_PATCHES[len(shape)], border)) for length in shape]
    patch = tuple(size for size, _ in axes)
    return Case(
        shape=shape,
        patch=patch,
        overlap=tuple(1 - step / size for size, step in axes),
        border=border,
        window=draw(_windows(patch, border)),
        batch=draw(st.integers(1, 5)),
        seed=draw(st.integers(0, 2**16)),
    )


@st.composite
def chunks(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Draw the size of output chunks, from the whole volume to a few voxels."""
    most = MOST_CHUNKS[len(shape)]
    return tuple(draw(st.integers(-(-length // most), length)) for length in shape)


@st.composite
def _patches(draw: st.DrawFn, length: int, steps: int, border: BorderMode) -> tuple[int, int]:
    """Draw patch size and step of one axis so that there are not too many patches."""
    beyond = 5 if border in {"adaptive", "pad"} else 0
    patch = draw(st.integers(-(-length // (steps + 1)), length + beyond))
    return patch, draw(st.integers(max(1, -(-(length - patch) // steps)), patch))


@st.composite
def _windows(draw: st.DrawFn, patch: tuple[int, ...], border: BorderMode) -> Window:
    kinds = ["gaussian", "constant", "hann", "triangle", *(["array"] if border != "adaptive" else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "array":
        return Window.from_array(np.random.default_rng(draw(st.integers(0, 9))).random(patch) + 0.01)
    return Window(kind=kind, sigma=draw(st.sampled_from([0.05, 0.125, 0.4])))


def trusted(plan: Plan, radius: int) -> np.ndarray:
    """Return the voxels of the padded volume that lie `radius` or more inside some patch, by looking at each patch."""
    mask = np.zeros([n + a + b for n, (a, b) in zip(plan.shape, plan.pad_width, strict=True)], bool)
    for index in itertools.product(*map(range, plan.grid_shape)):
        box = plan.patch_box(index)
        inner = [
            slice(a + radius + before, max(a + radius, b - radius) + before)
            for a, b, (before, _) in zip(box.start, box.stop, plan.pad_width, strict=True)
        ]
        mask[tuple(inner)] = True
    return mask
