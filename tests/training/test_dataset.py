"""Patches for training: cut and moved together, drawn as asked, read lazily, the same in every process."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
import zarr
from scipy.ndimage import distance_transform_edt, generate_binary_structure, grey_dilation, grey_erosion
from tests.training.volumes import SHAPE, CountingArray, ball, noisy, volume_of
from torch.utils.data import DataLoader

from napari_seamless.errors import AxesError, GeometryError, SettingsError, VolumeError
from napari_seamless.training import Augmentation, PatchSettings, TrainingPatches, open_pair
from napari_seamless.training.candidates import find_candidates
from napari_seamless.training.label_array import LabelArray
from napari_seamless.training.losses import BoundaryLoss
from napari_seamless.types import Normalization

PLAIN = {"normalization": Normalization(), "augmentation": None}
MOVES = Augmentation(brightness=0, contrast=0, noise=0)
SPACING = (2.0, 1.0, 1.0)


def signed_distances(labels: np.ndarray, spacing: tuple[float, ...] = SPACING) -> np.ndarray:
    """Return the published map of class 1, by SciPy: (1, *spatial)."""
    inside = labels == 1
    if not inside.any():
        return np.zeros((1, *labels.shape), np.float32)
    outside = distance_transform_edt(~inside, sampling=spacing)
    return (outside - inside * (distance_transform_edt(inside, sampling=spacing) - 1))[np.newaxis].astype(np.float32)


def numbered(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return an image whose values name their voxels."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def patches(labels: np.ndarray | None = None, **settings: object) -> TrainingPatches:
    labels = ball() if labels is None else labels
    pair = open_pair(volume_of(numbered(labels.shape), SPACING), labels, signed_distances(labels))
    return TrainingPatches([pair], int(labels.max()) + 1, PatchSettings(**{"patch_size": (8, 8, 8), **settings}))


@pytest.mark.parametrize("augmentation", [None, MOVES], ids=["as they are", "moved"])
def test_image_labels_and_maps_come_from_the_same_voxels(augmentation: Augmentation | None) -> None:
    """The image says which voxel each one is, so that labels and map can be looked up in the whole volume."""
    labels, found = ball(), patches(normalization=Normalization(), augmentation=augmentation, patches_per_epoch=12)
    distances = signed_distances(labels)
    moved = 0
    for i in range(len(found)):
        patch = found[i]
        voxels = patch["image"][0].numpy().astype(int)
        np.testing.assert_array_equal(patch["labels"].numpy(), labels.ravel()[voxels])
        np.testing.assert_array_equal(patch["distances"][0].numpy(), distances.ravel()[voxels])
        assert len(np.unique(voxels)) == 8**3
        moved += not np.array_equal(voxels, np.sort(voxels.ravel()).reshape(voxels.shape))
    assert (moved > 0) is (augmentation is not None)


def test_the_moved_map_is_the_map_of_the_moved_volume() -> None:
    """Moves of a whole volume commute with the distance transform, where spacings are those of the turned plane."""
    rng = np.random.default_rng(3)
    labels = (rng.random((6, 9, 9)) > 0.8).astype(np.uint8)
    moves = [MOVES.moves(labels.shape, SPACING, rng) for _ in range(8)]
    assert any(times for move in moves for _, _, times in move.turns)
    for move in moves:
        expected = signed_distances(move.apply(labels, 0))
        np.testing.assert_allclose(move.apply(signed_distances(labels), 1), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "spacing", "planes"),
    [
        ((8, 8, 8), (1, 1, 1), {(0, 1), (0, 2), (1, 2)}),
        ((8, 8, 8), (2, 1, 1), {(1, 2)}),
        ((4, 8, 8), (1, 1, 1), {(1, 2)}),
        ((8, 8, 4), (1, 2, 1), set()),
    ],
)
def test_only_planes_of_equal_size_and_spacing_are_turned(shape, spacing, planes) -> None:
    move = MOVES.moves(shape, spacing, np.random.default_rng(0))
    assert {(a, b) for a, b, _ in move.turns} == planes


def test_intensities_change_in_the_image_alone() -> None:
    change = Augmentation(flips=False, rotations=False, brightness=1.0, contrast=0.5, noise=0.0)
    same, other = patches(**PLAIN)[0], patches(normalization=Normalization(), augmentation=change)[0]
    assert torch.equal(same["labels"], other["labels"])
    assert torch.equal(same["distances"], other["distances"])
    before, after = same["image"].double(), other["image"].double()
    gain = (after.max() - after.min()) / (before.max() - before.min())
    assert gain != 1
    torch.testing.assert_close(after, gain * before + (after.min() - gain * before.min()), rtol=1e-4, atol=1e-2)
    noise = Augmentation(flips=False, rotations=False, brightness=0.0, contrast=0.0, noise=0.5)
    rng = np.random.default_rng(0)
    assert noise.recolored(np.zeros((1, 40, 40, 40), np.float32), rng).std() == pytest.approx(0.5, rel=0.02)


def test_the_map_of_a_patch_alone_is_wrong() -> None:
    """Without foreground it is empty: the loss would not see a false detection that the whole map punishes."""
    labels = ball()
    patch = patches(labels, **PLAIN, class_share=0, border_share=0, patches_per_epoch=200)
    empty = next(p for p in (patch[i] for i in range(200)) if not p["labels"].any())
    naive, whole = signed_distances(empty["labels"].numpy()), empty["distances"].numpy()
    assert np.abs(naive).max() == 0
    assert whole.min() >= 1  # every voxel is at least a voxel away from the ball
    wrong = torch.stack([torch.zeros(8, 8, 8), torch.ones(8, 8, 8)])[np.newaxis] * 20
    assert BoundaryLoss()(wrong, torch.from_numpy(naive)[np.newaxis]).item() == 0
    assert BoundaryLoss()(wrong, empty["distances"][np.newaxis]).item() == pytest.approx(whole.mean(), rel=1e-5)
    # where a patch cuts a class, what lies outside of the patch decides too
    cut = next(p for p in (patch[i] for i in range(200)) if 0 < p["labels"].sum() < 60)
    assert np.abs(signed_distances(cut["labels"].numpy()) - cut["distances"].numpy()).max() > 0.5


def test_shares_of_classes_and_borders_are_what_was_asked_for() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[3, 3], labels[30:34, 30:34] = 1, 2  # a class of a single voxel
    pair = open_pair(labels.astype(np.float32), labels)

    def share(label: int, **shares: float) -> float:
        settings = PatchSettings(patch_size=(6, 6), patches_per_epoch=600, **PLAIN, **shares)
        found = TrainingPatches([pair], 3, settings)
        return float(np.mean([(found[i]["labels"] == label).any() for i in range(600)]))

    assert share(1, class_share=0.0, border_share=0.0) == pytest.approx(16 / 35**2, abs=0.02)
    assert share(1, class_share=0.9, border_share=0.0) == pytest.approx(0.3, abs=0.07)
    assert share(2, class_share=0.9, border_share=0.0) == pytest.approx(0.3 + 0.1 * 81 / 35**2, abs=0.07)
    cross = generate_binary_structure(2, 1)
    border = grey_dilation(labels, footprint=cross) != grey_erosion(labels, footprint=cross)
    settings = PatchSettings(patch_size=(6, 6), class_share=0, border_share=1, **PLAIN)
    edges = TrainingPatches([open_pair(border, labels)], 3, settings)
    assert all(edges[i]["image"].max() == 1 for i in range(100))
    assert np.mean([len(edges[i]["labels"].unique()) == 2 for i in range(100)]) > 0


def test_a_chosen_voxel_is_equally_likely_at_each_coordinate_of_the_patch() -> None:
    labels = np.zeros((41, 41), np.uint8)
    labels[20, 20] = 1
    settings = PatchSettings(patch_size=(4, 4), patches_per_epoch=1600, class_share=1, border_share=0, **PLAIN)
    found = TrainingPatches([open_pair(labels.astype(np.float32), labels)], 2, settings)
    total = sum((found[i]["labels"] == 1).int() for i in range(1600))
    assert total.min() > 25  # 50 on average
    assert total.max() < 80


def test_patches_depend_on_seed_epoch_and_index_alone() -> None:
    first, again = patches(seed=3), pickle.loads(pickle.dumps(patches(seed=3)))
    assert torch.equal(first[(2, 7)]["image"], again[(2, 7)]["image"])
    again.set_epoch(2)
    assert torch.equal(first[(2, 7)]["image"], again[7]["image"])
    for other in (first[(2, 8)], first[(1, 7)], patches(seed=4)[(2, 7)]):
        assert not torch.equal(first[(2, 7)]["image"], other["image"])
    with pytest.raises(IndexError, match="0 to 249"):
        first[250]


def test_worker_processes_read_the_same_patches(tmp_path) -> None:
    for name, data in (("image", noisy(ball())), ("labels", ball())):
        zarr.create_array(tmp_path / f"{name}.zarr", shape=SHAPE, chunks=(8, 8, 8), dtype=data.dtype)[...] = data
    pair = open_pair(tmp_path / "image.zarr", tmp_path / "labels.zarr", cache_bytes=2**20)
    found = TrainingPatches([pair], 2, PatchSettings(patch_size=(8, 8, 8), patches_per_epoch=6))
    expected = [found[i] for i in range(6)]
    loader = DataLoader(found, batch_size=2, num_workers=1)
    for i, batch in enumerate(loader):
        for name, values in batch.items():
            torch.testing.assert_close(values, torch.stack([expected[2 * i][name], expected[2 * i + 1][name]]))


def test_no_whole_volume_is_read() -> None:
    """The labels are read once, chunk by chunk, and a patch touches the chunks under it."""
    labels = CountingArray(np.zeros((128, 256, 256), np.uint8), 32)
    labels.array[60:70, 100:120, 100:120] = 1
    image = CountingArray(labels.array.astype(np.uint8), 32)
    pair = open_pair(volume_of(image), volume_of(labels), cache_bytes=2**24)
    found = TrainingPatches([pair], 2, PatchSettings(patch_size=(32, 32, 32), **PLAIN))
    assert (labels.reads.min(), labels.reads.max()) == (1, 1)
    assert image.reads.max() == 0
    found[0]
    assert image.reads.sum() <= 8
    assert max(image.largest, labels.largest) <= 32**3


def test_candidates_are_an_even_sample_of_each_class() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 1
    found = find_candidates(LabelArray(volume_of(labels)), 2, limit=500)
    assert found.counts.tolist() == [2048, 2048]
    assert [len(p) for p in found.by_class] == [500, 500]
    assert all(labels[tuple(p)] == 1 for p in found.by_class[1])
    quarters = np.histogram(found.by_class[1][:, 0], bins=4, range=(0, 64))[0]
    assert quarters.min() > 80  # 125 each on average
    assert {int(p[1]) for p in found.border} == {31, 32}
    assert np.abs(signed_distances(labels, (1, 1)))[0][tuple(found.border.T)].max() <= 1


def test_borders_between_blocks_are_found(monkeypatch) -> None:
    monkeypatch.setattr("napari_seamless.training.candidates.BLOCK_VOXELS", 64)
    labels = np.zeros((16, 16), np.uint8)
    labels[8:] = 1  # the border lies between two blocks of four rows
    found = find_candidates(LabelArray(volume_of(labels)), 2)
    assert {int(p[0]) for p in found.border} >= {7}
    assert found.counts.tolist() == [128, 128]


def test_partial_labels_give_patches_with_paint_in_them() -> None:
    labels = np.full((60, 60), 255, np.uint8)
    labels[10:12, 10:12], labels[50, 50] = 0, 1
    pair = open_pair(labels.astype(np.float32), labels, ignore_label=255)
    settings = PatchSettings(patch_size=(6, 6), class_share=0, border_share=0, **PLAIN)
    found = TrainingPatches([pair], 2, settings)
    assert all((found[i]["labels"] >= 0).any() for i in range(40))
    assert {int(v) for i in range(40) for v in found[i]["labels"].unique()} == {-1, 0, 1}


def test_several_volumes_and_a_flat_one() -> None:
    first, second = np.zeros((30, 30), np.uint8), np.zeros((20, 25), np.uint8)
    first[5:10, 5:10], second[5:10, 5:10] = 1, 2
    pairs = [open_pair(labels.astype(np.float32), labels) for labels in (first, second)]
    found = TrainingPatches(pairs, 3, PatchSettings(patch_size=(8, 8), patches_per_epoch=60))
    seen = {int(v) for i in range(60) for v in found[i]["labels"].unique()}
    assert seen == {0, 1, 2}
    assert found[0]["image"].shape == (1, 8, 8)


def refuse(error: type[Exception], match: str, *pairs, classes: int = 2, size: int = 8) -> None:
    settings = PatchSettings(patch_size=(size,) * 3, **PLAIN)
    with pytest.raises(error, match=match):
        TrainingPatches([open_pair(*pair) for pair in pairs], classes, settings)


def test_bad_labels_are_refused_with_a_sentence() -> None:
    image, labels = noisy(ball()), ball()
    refuse(VolumeError, "not whole numbers; labels must be integers", (image, labels * 0.5))
    refuse(VolumeError, "No voxel of the labels has the class 2", (image, labels), classes=3)
    refuse(VolumeError, "holds the label 4, but the network has 2 classes", (image, labels * 4))
    refuse(VolumeError, "24 x 20 x 27 voxels, but its image", (image, labels[..., 1:]))
    refuse(GeometryError, "A patch of 21 x 21 x 21 voxels does not fit", (image, labels), size=21)
    channels = volume_of(labels[:2], name="two")
    channels = type(channels)(name="two", axes=("c", "y", "x"), levels=channels.levels, units=(None, None))
    refuse(AxesError, "labels must have one channel, but two has 2", (image[0], channels))
    refuse(
        VolumeError, "must have distance maps as the other", (image, labels, signed_distances(labels)), (image, labels)
    )


def test_contradicting_spacings_are_refused() -> None:
    image, labels = noisy(ball()), ball()
    with pytest.raises(VolumeError, match="has a spacing of 1 x 1 x 3, but its image right one of 2 x 1 x 1"):
        open_pair(volume_of(image, (2, 1, 1), "right"), volume_of(labels, (1, 1, 3)))
    open_pair(volume_of(image, (2, 1, 1)), volume_of(labels))  # a plain array knows no spacing


@pytest.mark.parametrize("values", [{"class_share": 0.8, "border_share": 0.5}, {"border_share": -1}, {"candidates": 0}])
def test_settings_out_of_range_are_refused(values) -> None:
    with pytest.raises(SettingsError, match="must"):
        PatchSettings(patch_size=(8, 8), **values)


def test_a_negative_deviation_is_refused() -> None:
    with pytest.raises(SettingsError, match="must not be negative"):
        Augmentation(noise=-1)
