"""A network that was trained on crops sees crops: what the engine answers is what training answers there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tests.engine.occupancy.cases import voxels
from tests.models.oss_net.weights import filled

from napari_seamless.engine.occupancy import OccupancySettings, segment_occupancy
from napari_seamless.engine.occupancy.field import OccupancyField
from napari_seamless.engine.occupancy.part_grid import PartGrid
from napari_seamless.engine.occupancy.parts import parts_of
from napari_seamless.engine.occupancy.source import NormalizedVolume
from napari_seamless.errors import SettingsError
from napari_seamless.models.oss_net import OSSNet, load, save, settings_of
from napari_seamless.training.oss_net import make_occupancy_settings, read_training
from napari_seamless.training.oss_net.output import save_trained
from napari_seamless.training.oss_net.parts import open_parts
from napari_seamless.training.oss_net.samples import PartReader, measure
from napari_seamless.training.oss_net.trainees import build_trainee
from napari_seamless.types import Box
from napari_seamless.volume import open_volume

CPU = OccupancySettings(device="cpu")
SIZE = (16, 16, 24)


def trainee_of(setting):
    settings = make_occupancy_settings(
        setting=setting, crop=SIZE, encoder_channels=(4, 6), width=24, decoder_blocks=2, held_out_axis="none"
    )
    trainee = build_trainee(settings, 2, SIZE)
    filled(trainee.network)
    return trainee.eval(), settings


def field_of(image, network):
    return OccupancyField(network, NormalizedVolume(open_volume(image, axes="czyx"), "zscore"), CPU, lambda *_: None)


@pytest.mark.parametrize("shape", [(37, 16, 29), (11, 33, 24), (9, 13, 15)])
@pytest.mark.parametrize("setting", ["oss_net_C1", "oss_net_full2", "oss_net_A", "vanilla_o_net"])
def test_the_engine_answers_as_training_does_in_each_crop(setting, shape, tmp_path):
    trainee, settings = trainee_of(setting)
    save_trained(trainee, tmp_path / "net.safetensors", {"crop": list(SIZE)})
    image = voxels(2, shape)
    part = open_parts([(open_volume(image, axes="czyx"), np.ones(shape, np.uint8))], (), settings)[0]
    reader = PartReader(part, 1, measure(part.image))
    field = field_of(image, load(tmp_path / "net.safetensors"))
    for encoded in field.encoded:
        origin, owned = encoded.part.origin, encoded.part.owned
        box = Box(origin, tuple(o + n for o, n in zip(origin, SIZE, strict=True)))
        at = np.argwhere(np.ones(owned.shape))[::29] + owned.start - origin
        seen = torch.from_numpy(reader.read(box, with_border=False).voxels)
        with torch.no_grad():
            logits, _ = trainee(seen[None], torch.from_numpy(at)[None])
        found = field.occupancy(torch.from_numpy(at + origin))
        torch.testing.assert_close(found, logits[0, :, 0].sigmoid(), atol=1e-5, rtol=0)
        assert found.std() > 1e-3


@pytest.mark.parametrize("edge", [1, 15, 64, 65, 80, 95, 111, 112, 113, 500])
def test_crops_overlap_where_there_is_room_and_end_with_the_volume(edge):
    settings = settings_of("oss_net_C1_lits", crop=(64, 64, 64))
    parts = parts_of((edge, 64, 10), settings, 4, 0)
    owned = np.zeros(edge, int)
    for part in parts:
        first, last = part.owned.start[0], part.owned.stop[0]
        owned[first:last] += 1
        origin = part.origin[0]
        assert part.low_shape == (32, 32, 32)
        assert first - origin >= 8 or first == 0
        assert origin + 64 - last >= 8 or last == edge
    assert (owned == 1).all()
    assert parts[-1].origin[0] == max(0, edge - 64)


def test_owners_are_found_by_where_they_begin():
    parts = parts_of((50, 20, 70), settings_of("oss_net_C1_lits", crop=SIZE), 4, 0)
    grid = PartGrid.of(parts)
    places = torch.ones(50, 20, 70).nonzero()
    numbers = grid.owners(places).reshape(50, 20, 70).numpy()
    for number, part in enumerate(parts):
        assert (numbers[part.owned.slices] == number).all()
    box = Box((13, 2, 20), (15, 19, 21))
    assert sorted(set(numbers[box.slices].flat)) == grid.within(box)
    assert {number: len(here) for number, here in grid.groups(places)} == dict(enumerate(p.owned.size for p in parts))


@pytest.mark.parametrize("first", [None, 0.5])
def test_a_volume_of_many_crops_is_segmented_as_its_coordinates_are_answered(first):
    trainee, _ = trainee_of("oss_net_full2")
    image = voxels(2, (21, 27, 30))
    field = field_of(image, trainee.network)
    answers = field.occupancy(torch.ones(21, 27, 30).nonzero()).reshape(21, 27, 30)
    threshold = float(answers.quantile(0.8))
    settings = OccupancySettings(
        stages=(4, 1), threshold=threshold, low_resolution_threshold=first, chunk_size=12, device="cpu"
    )
    result = segment_occupancy(image, trainee.network, settings, axes="czyx")
    found = np.asarray(result.array) > 0
    assert result.parts == 8
    assert result.warnings == ()
    assert not (found & ~(answers > threshold).numpy()).any()
    if first is None:
        assert (found[::4, ::4, ::4] == (answers > threshold).numpy()[::4, ::4, ::4]).all()
    else:
        assert result.stages[0].evaluated < result.stages[0].points


def test_a_crop_comes_from_the_settings_or_from_what_the_training_says(tmp_path):
    trainee, _ = trainee_of("oss_net_C1")
    path = tmp_path / "net.safetensors"
    save_trained(trainee, path, {"crop": list(SIZE)})
    assert load(path).settings == trainee.network.settings
    assert trainee.network.settings.crop == SIZE
    older = OSSNet(replace(trainee.network.settings, crop=None))
    save(older, path)
    assert load(path).settings.crop is None
    assert read_training(path) == {}
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata={**metadata, "training": '{"crop": [16, 16, 24]}'})
    assert load(path).settings.crop == SIZE
    assert load(path, older.settings).settings.crop == SIZE


@pytest.mark.parametrize(
    ("name", "crop", "words"),
    [
        ("oss_net_C1_lits", (64, 64), "three even numbers"),
        ("oss_net_C1_lits", (64, 64, 63), "three even numbers"),
        ("oss_net_C1_lits", "abc", "three even numbers"),
        ("oss_net_C1_lits", 64, "incomplete or of the wrong type"),
        ("oss_net_A_lits", (64, 64, 64), r"must be \(512, 512, 512\) voxels for this plain encoder"),
    ],
)
def test_crops_that_no_network_takes_are_refused(name, crop, words):
    with pytest.raises(SettingsError, match=words):
        settings_of(name, crop=crop)
