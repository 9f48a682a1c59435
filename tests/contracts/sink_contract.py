"""What every sink must keep: inherit `SinkContract` and say how to make a sink."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_seamless.plan import make_plan
from napari_seamless.sinks import OutputSpec, Sink
from napari_seamless.types import Plan

LABELS = OutputSpec(
    name="brain labels",
    axes=("z", "y", "x"),
    shape=(20, 75, 33),
    chunk=(8, 16, 33),
    dtype=np.dtype(np.uint8),
    classes=("background", "white matter", "grey matter"),
    colors=((0, 0, 0, 0), (255, 0, 0, 255), (0, 128, 255, 255)),
    n_channels=None,
    spacing=(2.0, 0.5, 0.5),
    translation=(10.0, -3.0, 0.0),
    units=("micrometer", "micrometer", None),
    metadata={"settings": {"patch_size": 8}},
)
PROBABILITIES = replace(LABELS, name="brain probabilities", dtype=np.dtype(np.float32), n_channels=3)
FLAT = replace(
    LABELS, axes=("y", "x"), shape=(130, 64), chunk=(32, 64), spacing=(1.0, 1.0), translation=(0.0, 0.0),
    units=(None, None), colors=(),
)  # fmt: skip
SPECS = {"labels": LABELS, "probabilities": PROBABILITIES, "flat": FLAT}


def chunk_plan(spec: OutputSpec) -> Plan:
    """Return a plan with the chunks of an output."""
    return make_plan(spec.shape, 4, chunk=spec.chunk)


def voxels_of(spec: OutputSpec) -> np.ndarray:
    """Return random voxels for an output."""
    rng = np.random.default_rng(0)
    shape = (*spec.leading, *spec.shape)
    return rng.random(shape, np.float32) if spec.n_channels else rng.integers(0, 3, shape, dtype=spec.dtype)


def fill(sink: Sink, spec: OutputSpec, *, reverse: bool = False, threads: int = 1) -> np.ndarray:
    """Write every chunk once and return the array that the sink should hold."""
    plan, voxels = chunk_plan(spec), voxels_of(spec)
    indices = list(np.ndindex(*plan.chunk_grid))[:: -1 if reverse else 1]

    def write(index: tuple[int, ...]) -> None:
        box = plan.chunk_box(index)
        sink.write(index, box, voxels[(..., *box.slices)])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, indices))
    return voxels


class SinkContract(ABC):
    """Tests that hold for every place where finished chunks go."""

    @abstractmethod
    def make_sink(self, folder: Path, spec: OutputSpec) -> Sink:
        """Return a new sink."""

    @pytest.mark.parametrize("kind", SPECS)
    @pytest.mark.parametrize(("reverse", "threads"), [(False, 1), (True, 1), (False, 4)])
    def test_the_chunks_make_up_the_array(self, kind: str, reverse: bool, threads: int, tmp_path: Path) -> None:
        spec = SPECS[kind]
        sink = self.make_sink(tmp_path, spec)
        voxels = fill(sink, spec, reverse=reverse, threads=threads)
        sink.finish()
        stored = np.asarray(sink.volume.data[...])
        assert stored.dtype == spec.dtype
        np.testing.assert_array_equal(stored, voxels)

    @pytest.mark.parametrize("kind", SPECS)
    def test_it_is_zero_before_and_fills_while_one_looks(self, kind: str, tmp_path: Path) -> None:
        spec = SPECS[kind]
        sink, plan, voxels = self.make_sink(tmp_path, spec), chunk_plan(spec), voxels_of(spec)
        volume = sink.volume
        assert not np.asarray(volume.data[...]).any()
        index = tuple(n - 1 for n in plan.chunk_grid)
        box = plan.chunk_box(index)
        sink.write(index, box, voxels[(..., *box.slices)])
        expected = np.zeros_like(voxels)
        expected[(..., *box.slices)] = voxels[(..., *box.slices)]
        np.testing.assert_array_equal(np.asarray(volume.data[...]), expected)

    @pytest.mark.parametrize("kind", SPECS)
    def test_the_volume_says_what_it_is(self, kind: str, tmp_path: Path) -> None:
        spec = SPECS[kind]
        volume = self.make_sink(tmp_path, spec).volume
        assert volume.axes == spec.all_axes
        assert volume.shape == (*spec.leading, *spec.shape)
        assert (volume.spacing, volume.translation, volume.units) == (spec.spacing, spec.translation, spec.units)
        assert volume.is_labels is spec.is_labels
        names = tuple(volume.label_names.values()) if spec.is_labels else volume.channels
        assert names == spec.classes
