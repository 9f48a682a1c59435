"""Whatever is stored of a run follows from the same means, which NumPy makes of whole arrays."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import torch
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from tests.engine.networks import image, local_network

from napari_seamless import open_volume, prepare, segment
from napari_seamless.engine import Control, Segmentation
from napari_seamless.engine.events import ChunkWritten
from napari_seamless.engine.output import check_storable
from napari_seamless.errors import ModelError, RunCancelledError, SettingsError
from napari_seamless.models import TorchModel
from napari_seamless.plan import window_array
from napari_seamless.recipe import make_settings
from napari_seamless.reduce import UserFunction
from napari_seamless.types import Box, ModelSpec, Plan

SHAPE = (21, 26, 19)
HOW = {"patch_size": 8, "overlap": 0.5, "device": "cpu", "chunk_size": 10}
CLASSES = 4


def run(**changed: object) -> Segmentation:
    return segment(image(SHAPE), local_network(classes=CLASSES), **(HOW | changed))


def blended(plan: Plan) -> np.ndarray:
    """Return the (class, *shape) float64 means of the network's outputs, patch by patch over whole arrays."""
    voxels, network = np.asarray(image(SHAPE).data), local_network(classes=CLASSES)
    sums, weights = np.zeros((CLASSES, *plan.shape)), np.zeros(plan.shape)
    for index in np.ndindex(*plan.grid_shape):
        box = plan.patch_box(index)
        with torch.inference_mode():
            output = network(torch.from_numpy(voxels[box.slices])[None, None])[0].numpy()
        window = window_array(plan.window, box.shape)
        sums[:, *box.slices] += window * output
        weights[box.slices] += window
    return np.divide(sums, weights, out=sums, where=weights > 0)


@functools.cache
def means() -> np.ndarray:
    return blended(run().plan)


def untied(values: np.ndarray, k: int = 1) -> np.ndarray:
    """Return where the k largest values differ by more than rounding."""
    largest = -np.sort(-values, axis=0)[: k + 1]
    return (largest[:-1] - largest[1:] > 1e-5).all(axis=0)


@pytest.mark.parametrize(("dtype", "step", "atol"), [("float32", 1, 1e-6), ("float16", 1, 3e-4), ("uint8", 255, 0.501)])
def test_probabilities_of_every_type_are_the_means(dtype: str, step: int, atol: float) -> None:
    result = run(write="probabilities", probability_dtype=dtype)
    assert result.array.dtype == dtype
    np.testing.assert_allclose(np.asarray(result.array, np.float64), step * means(), rtol=0, atol=atol)
    assert result.volume.axes == ("c", "z", "y", "x")
    assert result.volume.channels == ("class 0", "class 1", "class 2", "class 3")


def test_labels_are_the_largest_mean() -> None:
    result, clear = run(), untied(means())
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(np.asarray(result.array)[clear], means().argmax(axis=0)[clear])


@pytest.mark.parametrize("k", [1, 3, 4])
@pytest.mark.parametrize(("dtype", "step", "atol"), [("float32", 1, 1e-6), ("float16", 1, 3e-4), ("uint8", 255, 0.501)])
def test_top_classes_are_the_means_sorted(k: int, dtype: str, step: int, atol: float) -> None:
    result = run(write="top_classes", top_k=k, probability_dtype=dtype)
    stored = np.asarray(result.array, np.float64)
    assert (stored.shape, result.array.dtype) == ((2 * k, *SHAPE), dtype)
    order = np.argsort(-means(), axis=0, kind="stable")[:k]
    clear = untied(means(), k)
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(stored[:k, clear], order[:, clear])
    np.testing.assert_allclose(stored[k:], step * np.take_along_axis(means(), order, axis=0), rtol=0, atol=atol)
    np.testing.assert_array_equal(stored[0], np.asarray(run().array))
    assert result.volume.channels[:1] == ("rank 1 class",)
    assert result.volume.channels[k:] == tuple(f"rank {rank + 1} probability" for rank in range(k))
    assert result.volume.label_names == {0: "background", 1: "class 1", 2: "class 2", 3: "class 3"}


@pytest.mark.parametrize(("threshold", "write"), [(0.5, "labels"), (-0.2, "labels"), (0.5, "probabilities")])
def test_one_output_channel(threshold: float, write: str) -> None:
    def network(batch: torch.Tensor) -> torch.Tensor:
        return 2 * batch - 1

    result = segment(image(SHAPE), network, write=write, threshold=threshold, **HOW)
    voxels = 2 * np.asarray(image(SHAPE).data, np.float64) - 1
    if write == "labels":
        clear = np.abs(voxels - threshold) > 1e-5
        np.testing.assert_array_equal(np.asarray(result.array)[clear], voxels[clear] > threshold)
    else:
        np.testing.assert_allclose(np.asarray(result.array)[0], voxels, atol=1e-5)


STORED = {
    "labels": {},
    "float32": {"write": "probabilities"},
    "float16": {"write": "probabilities", "probability_dtype": "float16"},
    "uint8": {"write": "probabilities", "probability_dtype": "uint8"},
    "top": {"write": "top_classes", "probability_dtype": "float16"},
    "own": {"reduce": lambda means, box: means[1:] * 2},
}


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_the_chunks_leave_no_trace(stored: dict) -> None:
    whole, cut = run(chunk_size=64, **stored), run(chunk_size=(3, 7, 9), **stored)
    assert np.asarray(whole.array).tobytes() == np.asarray(cut.array).tobytes()


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_what_crop_leaves_out_holds_zero(stored: dict) -> None:
    result = run(border="crop", patch_size=10, overlap=0, chunk_size=8, **stored)
    array = np.asarray(result.array)
    covered = np.zeros(SHAPE, bool)
    covered[:20, :20, :10] = True
    assert not array[..., ~covered].any()
    assert array[..., covered].any()


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_ome_zarr_is_valid_and_says_what_it_holds(stored: dict, tmp_path: Path) -> None:
    path = tmp_path / "out.ome.zarr"
    memory = np.asarray(run(**stored).array)
    result = run(output=path, **stored)
    assert np.asarray(result.array).tobytes() == memory.tobytes()
    (node, *_) = Reader(parse_url(path))()
    assert node.data[0].dtype == memory.dtype
    np.testing.assert_array_equal(node.data[0].compute(), memory)
    reopened = open_volume(path)
    assert reopened.is_labels == result.volume.is_labels == (memory.ndim == 3)
    metadata = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    if memory.ndim == 4:
        assert reopened.channels == result.volume.channels
        windows = [channel["window"]["end"] for channel in metadata["omero"]["channels"]]
        ranges = {"uint8": [255.0] * 4, "top": [3.0, 3.0, 1.0, 1.0]}
        (name,) = (name for name, values in STORED.items() if values is stored)
        assert windows == ranges.get(name, [1.0] * len(memory))


@pytest.mark.parametrize("name", ["uint8", "float16", "top"])
def test_coarser_levels_hold_means_but_of_class_numbers(name: str, tmp_path: Path) -> None:
    shape = (72, 40, 8)
    volume, network = image(shape), local_network(classes=CLASSES)
    result = segment(
        volume, network, tmp_path / "out.ome.zarr", patch_size=8, overlap=0, device="cpu", chunk_size=32, **STORED[name]
    )
    fine, coarse = (np.asarray(level.data, np.float64) for level in result.volume.levels)
    cells = fine.reshape(4, 36, 2, 20, 2, 4, 2)
    if name == "top":
        np.testing.assert_array_equal(coarse, cells[:, :, 0, :, 0, :, 0])
    else:
        error = np.abs(coarse - cells.mean(axis=(2, 4, 6)))
        assert error.max() <= (0.5 if name == "uint8" else 1e-3)


def test_a_function_gets_each_chunk_once_with_its_means(tmp_path: Path) -> None:
    seen: list[Box] = []

    def function(chunk: np.ndarray, box: Box) -> np.ndarray:
        if chunk.any():  # not the zeros that tell the type
            seen.append(box)
            np.testing.assert_allclose(chunk, means()[:, *box.slices], atol=1e-6)
        return chunk.sum(axis=0)

    result = run(reduce=function, output=tmp_path / "out.ome.zarr")
    assert sorted(box.start for box in seen) == sorted(
        result.plan.chunk_box(index).start for index in np.ndindex(*result.plan.chunk_grid)
    )
    assert sum(box.size for box in seen) == np.prod(SHAPE)
    np.testing.assert_allclose(np.asarray(result.array)[0], 1, atol=1e-5)


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_a_region_holds_what_the_whole_would(stored: dict, tmp_path: Path) -> None:
    whole, part = run(**stored), run(region="5:17,0:26,8:19", output=tmp_path / "out.ome.zarr", **stored)
    np.testing.assert_array_equal(np.asarray(part.array), np.asarray(whole.array)[..., 5:17, :, 8:19])
    assert part.volume.translation == open_volume(tmp_path / "out.ome.zarr").translation == (5, 0, 8)


def test_the_place_of_a_chunk_is_that_in_the_volume() -> None:
    result = run(reduce=lambda m, box: np.full(box.shape, box.start[0]), region="5:17,:,:")
    np.testing.assert_array_equal(np.asarray(result.array)[:, 0, 0], [5] * 10 + [15] * 2)


def test_a_function_makes_labels_of_its_own(tmp_path: Path) -> None:
    result = run(reduce=lambda m, box: np.where(m.max(axis=0) < 0.4, 9, m.argmax(axis=0)), output=tmp_path / "out")
    clear = untied(means()) & (np.abs(means().max(axis=0) - 0.4) > 1e-5)
    expected = np.where(means().max(axis=0) < 0.4, 9, means().argmax(axis=0))
    np.testing.assert_array_equal(np.asarray(result.array)[clear], expected[clear])
    assert result.volume.is_labels
    assert result.volume.label_names == {}
    label = zarr.open_group(tmp_path / "out", mode="r").attrs["ome"]["image-label"]
    assert label == {}


def scaled(chunk: np.ndarray, box: Box, factor: float = 2) -> np.ndarray:
    return chunk * factor


def test_a_run_is_resumed_with_the_same_function_only(tmp_path: Path) -> None:
    path, control = tmp_path / "out.ome.zarr", Control()
    with pytest.raises(RunCancelledError):
        run(
            output=path,
            reduce=scaled,
            control=control,
            on_event=lambda e: isinstance(e, ChunkWritten) and control.cancel(),
        )
    with pytest.raises(SettingsError, match="reduce"):
        run(output=path, resume=True, reduce=functools.partial(scaled, factor=3))
    with pytest.raises(SettingsError, match="reduce"):
        run(output=path, resume=True)
    result = run(output=path, resume=True, reduce=scaled)
    assert np.asarray(result.array).tobytes() == np.asarray(run(reduce=scaled).array).tobytes()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"write": "top_classes", "top_k": 5}, SettingsError, "top_k.*4"),
        ({"reduce": lambda m, box: m[99]}, ModelError, "reduce failed.*IndexError"),
        ({"reduce": lambda m, box: m[:, 1:]}, ModelError, "reduce returned shape"),
        ({"reduce": lambda m, box: m, "write": "probabilities"}, SettingsError, "reduce.*write"),
        ({"reduce": "argmax"}, SettingsError, "reduce must be a function"),
    ],
)
def test_what_cannot_work_leaves_nothing_behind(settings: dict, error: type, said: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=said):
        run(output=tmp_path / "out.ome.zarr", **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_function_that_fails_later_names_the_chunk() -> None:
    def function(chunk: np.ndarray, box: Box) -> np.ndarray:
        if box.start == (10, 10, 0) and chunk.any():
            raise KeyError("liver")
        return chunk

    with pytest.raises(
        ModelError, match=r"function.*given as reduce.*\(10, 10, 0\) to \(20, 20, 10\).*KeyError.*liver"
    ):
        run(reduce=function)


@pytest.mark.parametrize("write", ["probabilities", "top_classes"])
def test_raw_outputs_are_not_squeezed_into_uint8(write: str) -> None:
    with pytest.raises(ModelError, match=r"probability_dtype uint8.*activation"):
        segment(image(SHAPE), lambda x: torch.cat([5 * x, -x], 1), write=write, probability_dtype="uint8", **HOW)
    result = segment(
        image(SHAPE),
        lambda x: torch.cat([5 * x, -x], 1),
        write=write,
        probability_dtype="uint8",
        activation="softmax",
        **HOW,
    )
    assert result.array.dtype == np.uint8


def test_the_first_outputs_already_tell() -> None:
    settings = make_settings(patch_size=8, write="probabilities", probability_dtype="uint8", device="cpu")
    job = prepare(image(SHAPE), local_network(), settings)
    check_storable(job, torch.tensor([[0.0, 1.0]]))
    with pytest.raises(ModelError, match="probability_dtype uint8"):
        check_storable(job, torch.tensor([[0.0, 1.1]]))


@pytest.mark.parametrize(
    ("settings", "bytes_per_voxel"),
    [
        ({}, 1),
        ({"write": "probabilities"}, 16),
        ({"write": "probabilities", "probability_dtype": "uint8"}, 4),
        ({"write": "top_classes", "top_k": 3, "probability_dtype": "float16"}, 12),
    ],
)
def test_the_estimate_knows_the_size_of_the_output(settings: dict, bytes_per_voxel: int) -> None:
    network = local_network(classes=CLASSES)
    model = TorchModel(network, ModelSpec(name="local", out_channels=CLASSES))
    job = prepare(image(SHAPE), model, make_settings(patch_size=8, device="cpu", **settings))
    assert job.estimate().output_bytes == bytes_per_voxel * np.prod(SHAPE)


def test_a_function_travels_to_other_processes() -> None:
    own = UserFunction(lambda chunk, box: chunk[0] > 0.5)
    sent = cloudpickle.loads(cloudpickle.dumps(own))
    box = Box((0,), (2,))
    np.testing.assert_array_equal(sent(np.array([[0.2, 0.7]], np.float32), box), [0, 1])
