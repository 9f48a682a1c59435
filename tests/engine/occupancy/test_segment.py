"""What is written chunk by chunk is what the network says of the whole volume in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import zarr
from tests.engine.occupancy.cases import SHAPE, level, low_of, network, normalised, truth, voxels
from tests.models.oss_net.weights import NAMES, filled, network_of, volume

from napari_seamless.engine.control import Control
from napari_seamless.engine.events import ChunkWritten, Progress
from napari_seamless.engine.occupancy import OccupancySettings, OccupancyStarted, StageEnded, segment, segment_occupancy
from napari_seamless.engine.occupancy.downscaled import half_resolution
from napari_seamless.engine.occupancy.lattice import Lattice, asked
from napari_seamless.errors import RunCancelledError
from napari_seamless.models.oss_net import OSSNet
from napari_seamless.types import Box
from napari_seamless.volume import open_volume

CPU = {"device": "cpu"}


def labels(result):
    return np.asarray(result.array[...])


@pytest.mark.parametrize("chunk", [64, 8, (5, 7, 19)])
@pytest.mark.parametrize("stages", [(4, 2, 1), (6, 1)])
def test_chunks_change_nothing(stages, chunk):
    threshold = level("oss_net_C1_lits", 0.9)
    expected = truth("oss_net_C1_lits", stages, threshold)
    settings = OccupancySettings(stages=stages, threshold=threshold, chunk_size=chunk, **CPU)
    np.testing.assert_array_equal(labels(segment_occupancy(voxels(), network(), settings)), expected)
    assert 0.01 < expected.mean() < 0.3


def test_a_low_resolution_head_says_where_to_look_first():
    name = "oss_net_full_lits"
    threshold = level(name, 0.9)
    for first in (None, 0.5):
        settings = OccupancySettings(threshold=threshold, low_resolution_threshold=first, chunk_size=8, **CPU)
        result = segment_occupancy(voxels(), network(name), settings)
        np.testing.assert_array_equal(labels(result), truth(name, (4, 2, 1), threshold, first))
    assert result.stages[0].evaluated < result.stages[0].points


def test_channels_are_modalities_each_normalised():
    name = "oss_net_C1_bra_ts"
    threshold = level(name, 0.9, 4)
    image = np.moveaxis(voxels(4), 0, -1)
    settings = OccupancySettings(threshold=threshold, chunk_size=16, **CPU)
    result = segment_occupancy(image, network(name), settings, axes="zyxc")
    np.testing.assert_array_equal(labels(result), truth(name, (4, 2, 1), threshold))


def test_a_normalised_volume_can_be_taken_as_it_is():
    seen = normalised(voxels()).numpy()[0]
    threshold = level("oss_net_C1_lits", 0.9)
    settings = OccupancySettings(threshold=threshold, normalization="none", **CPU)
    result = segment_occupancy(seen, network(), settings)
    np.testing.assert_array_equal(labels(result), truth("oss_net_C1_lits", (4, 2, 1), threshold))


@pytest.mark.parametrize("shape", [(8, 6, 4), (7, 9, 5)])
def test_the_volume_is_halved_as_torch_halves_it(shape):
    seen = volume(2, shape, 1)
    low = half_resolution(seen, (0, 0, 0), tuple(edge // 2 for edge in shape))
    torch.testing.assert_close(low, low_of(seen))


def test_the_output_lies_in_the_place_of_the_volume_with_a_pyramid(tmp_path):
    shape = (70, 8, 8)
    image = open_volume(voxels(shape=shape), spacing=(2, 0.5, 0.5), translation=(10, 1, 2), units="um", name="cells")
    path = tmp_path / "out.ome.zarr"
    # Few points: the first stage finds nothing above 1.
    settings = OccupancySettings(stages=(8, 1), threshold=1.0, chunk_size=(32, 8, 8), **CPU)
    result = segment_occupancy(image, network(), settings, path)
    written = open_volume(path)
    assert (written.spacing, written.translation) == ((2.0, 0.5, 0.5), (10.0, 1.0, 2.0))
    assert (written.units, written.dtype, written.is_labels) == (("micrometer",) * 3, np.uint8, True)
    assert len(written.levels) == len(result.volume.levels) > 1
    said = zarr.open_group(path).attrs["napari-seamless"]
    assert said["complete"]
    assert said["occupancy"]["stages"] == [8, 1]


def test_a_store_and_the_memory_hold_the_same(tmp_path):
    threshold = level("oss_net_C1_lits", 0.9)
    settings = OccupancySettings(threshold=threshold, chunk_size=8, **CPU)
    result = segment_occupancy(voxels(), network(), settings, tmp_path / "out.ome.zarr")
    expected = truth("oss_net_C1_lits", (4, 2, 1), threshold)
    np.testing.assert_array_equal(labels(result), expected)
    for coarse in result.volume.levels[1:]:
        step = round(coarse.spacing[0])
        np.testing.assert_array_equal(np.asarray(coarse.data[...]), expected[::step, ::step, ::step])


def test_a_coarse_result_is_seen_before_it_is_refined():
    threshold = level("oss_net_C1_lits", 0.9)
    expected = truth("oss_net_C1_lits", (4, 2, 1), threshold)
    seen, events = {}, []

    def listen(event):
        events.append(event)
        if isinstance(event, OccupancyStarted):
            seen["output"] = event.volume
        if isinstance(event, StageEnded):
            seen[event.spacing] = np.asarray(seen["output"].data[...]).copy()

    settings = OccupancySettings(threshold=threshold, chunk_size=8, **CPU)
    result = segment_occupancy(voxels(), network(), settings, on_event=listen)
    for spacing in (4, 2):
        lattice = expected[::spacing, ::spacing, ::spacing]
        coarse = seen[spacing][::spacing, ::spacing, ::spacing]
        # What a stage holds at its points is what stays, where that stage looked.
        assert (lattice[coarse > 0] == 1).all()
        assert coarse.any()
    wrong = [np.mean(seen[spacing] != expected) for spacing in (4, 2, 1)]
    assert wrong[0] > wrong[2] == 0
    assert [stage.spacing for stage in result.stages] == [4, 2, 1]
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].done == progress[-1].total == sum(stage.points for stage in result.stages)
    boxes = [event.box for event in events if isinstance(event, ChunkWritten)]
    assert len(boxes) > len(set(boxes))
    assert result.evaluated == sum(stage.evaluated for stage in result.stages) < expected.size


@pytest.mark.parametrize("coarse_spacing", [2, 3, 4])
def test_points_near_to_what_was_found_are_asked_for_across_blocks(coarse_spacing):
    shape, reach = (13, 10, 11), coarse_spacing - 1
    states = np.random.default_rng(2).integers(0, 3, [-(-n // coarse_spacing) for n in shape]).astype(np.uint8)
    coarse = Lattice(coarse_spacing, states)
    found, known = (np.zeros(shape, bool) for _ in range(2))
    found[::coarse_spacing, ::coarse_spacing, ::coarse_spacing] = states > 1
    known[::coarse_spacing, ::coarse_spacing, ::coarse_spacing] = states > 0
    near = np.zeros(shape, bool)
    for z, y, x in np.argwhere(found):
        near[tuple(slice(max(0, n - reach), n + reach + 1) for n in (z, y, x))] = True
    whole = np.zeros(shape, bool)
    for start in np.ndindex(4, 3, 3):
        low = tuple(4 * n for n in start)
        block = Box(low, tuple(min(n + 4, edge) for n, edge in zip(low, shape, strict=True)))
        if block.size:
            whole[block.slices] = asked(coarse, 1, block, reach)[0]
    np.testing.assert_array_equal(whole, near & ~known)


def test_what_is_looked_at_comes_first():
    control, boxes = Control(), []
    control.look_at(Box((16, 8, 8), (17, 9, 9)))
    settings = OccupancySettings(stages=(4, 2, 1), threshold=0.0, chunk_size=8, **CPU)

    def listen(event):
        if isinstance(event, ChunkWritten):
            boxes.append(event.box)
            if len(boxes) == 2:
                control.cancel()

    with pytest.raises(RunCancelledError):
        segment_occupancy(voxels(), network(), settings, on_event=listen, control=control)
    assert [box.start for box in boxes] == [(16, 8, 8), (0, 0, 0)]


def test_a_cancelled_run_keeps_what_was_written(tmp_path):
    control, path = Control(), tmp_path / "out.ome.zarr"
    settings = OccupancySettings(threshold=level("oss_net_C1_lits", 0.5), chunk_size=16, **CPU)

    def listen(event):
        if isinstance(event, StageEnded):
            control.cancel()

    with pytest.raises(RunCancelledError, match="keeps what was written"):
        segment_occupancy(voxels(), network(), settings, path, on_event=listen, control=control)
    assert np.asarray(open_volume(path).data[...]).any()
    assert not zarr.open_group(path).attrs["napari-seamless"]["complete"]
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".out.ome.zarr-lock")) == ["out.ome.zarr"]


def test_coarse_points_beyond_the_budget_lie_in_a_scratch_folder(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(Lattice, "of", classmethod(lambda cls, *a, real=Lattice.of: seen.append(a[2]) or real(*a)))
    threshold = level("oss_net_C1_lits", 0.9)
    settings = OccupancySettings(stages=(2, 1), threshold=threshold, chunk_size=8, memory_budget="64MiB", **CPU)
    monkeypatch.setattr(segment, "SCRATCH_SHARE", 2**17)
    result = segment_occupancy(voxels(shape=SHAPE), network(), settings, tmp_path / "out.ome.zarr")
    assert seen[0] is not None
    assert not seen[0].exists()
    np.testing.assert_array_equal(labels(result), truth("oss_net_C1_lits", (2, 1), threshold))


def test_several_classes_become_labels():
    found = filled(
        OSSNet.from_settings("oss_net_C1_lits", classes=3, encoder_channels=(4, 6), latent_grid=(2, 2, 2), width=24)
    )
    image = voxels(shape=(10, 10, 10))
    seen = normalised(image)
    latent, _ = found.encode(low_of(seen))
    answers = found.occupancy(seen, torch.ones(10, 10, 10).nonzero(), latent)
    threshold = float((1 - answers[:, 0]).quantile(0.5))
    expected = torch.where(1 - answers[:, 0] > threshold, answers[:, 1:].argmax(1) + 1, 0).reshape(10, 10, 10)
    settings = OccupancySettings(stages=(1,), threshold=threshold, chunk_size=6, **CPU)
    result = segment_occupancy(image, found, settings)
    np.testing.assert_array_equal(labels(result), expected)
    assert result.classes == ("background", "class 1", "class 2")


@pytest.mark.parametrize("name", [NAMES[3]])
def test_published_networks_run(name):
    image = voxels(4, (9, 10, 11))
    result = segment_occupancy(image, network_of(name), OccupancySettings(threshold=0.2, **CPU), axes="czyx")
    assert result.array.shape == (9, 10, 11)
