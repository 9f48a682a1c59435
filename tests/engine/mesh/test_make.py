"""What surfaces are made of: labels of any type, channels, distance maps, regions, levels of a pyramid."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
import trimesh
import zarr
from tests.engine.mesh.test_blocks import assert_same, noise
from tests.mesh.shapes import sphere
from tests.mesh.truth import random_labels

from napari_seamless import open_volume
from napari_seamless.engine.distance import DistanceSettings, write_distance_map
from napari_seamless.engine.events import Progress, Warned
from napari_seamless.engine.mesh import MeshSettings, make_meshes
from napari_seamless.engine.mesh.finishing import label_color
from napari_seamless.types import Volume


def made(data, *, axes=None, on_event=None, refine=None, **settings):
    events = {} if on_event is None else {"on_event": on_event}
    return make_meshes(data, MeshSettings(**{"threads": 1, **settings}), axes=axes, refine=refine, **events)


def cubes(dtype, *numbers, side=3, gap=2):
    """Cubes of `side` voxels in a row, one for each number."""
    labels = np.zeros((side + 2, side + 2, len(numbers) * (side + gap) + gap), dtype)
    for i, number in enumerate(numbers):
        labels[1:-1, 1:-1, gap + i * (side + gap) :][:, :, :side] = number
    return labels


def labels_of(found):
    return [one.surface.label for one in found]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", ">u2", ">i8", "?"])
def test_labels_of_any_type_rise_and_zero_and_less_are_background(dtype):
    kind = np.dtype(dtype).kind
    numbers = (1,) if kind == "b" else (7, 2, 100)
    labels = cubes(dtype, *numbers, *((-1, -100) if kind == "i" else ()))
    found = made(labels, smoothing=0)
    assert labels_of(found) == sorted(numbers)
    for one in found:
        assert (one.measures.volume, one.measures.area) == pytest.approx((27, 54))
        assert one.surface.name == f"label {one.surface.label}"
        assert one.surface.color == label_color(one.surface.label)


def test_labels_beyond_the_integers_of_a_float_keep_their_numbers():
    numbers = (2**53 + 1, 2**53 + 2, 2**63 + 5, 2**64 - 1)
    labels = cubes(np.uint64, *numbers)
    assert labels_of(made(labels, smoothing=0)) == list(numbers)
    assert labels_of(made(labels, smoothing=0, labels=numbers[:2])) == list(numbers[:2])
    assert labels_of(made(labels, smoothing=0, labels=[numbers[3], numbers[0]])) == [numbers[0], numbers[3]]


def test_chosen_labels_have_the_surfaces_that_they_have_among_all():
    labels = random_labels((12, 12, 12), 0.7, 4, seed=2)
    every = {one.surface.label: one for one in made(labels)}
    assert_same(made(labels, labels=[4, 2]), [every[2], every[4]])
    assert_same(made(labels, labels=3), [every[3]])


@pytest.mark.parametrize(("dtype", "strange"), [("u1", 257), ("u1", -255), ("i1", 257), ("i2", 65537), ("u8", 2**65)])
def test_a_chosen_label_that_the_type_cannot_hold_is_none_of_those_that_it_can(dtype, strange):
    events = []
    found = made(cubes(dtype, 1, 2), labels=[2, strange], on_event=events.append)
    assert labels_of(found) == [2]
    assert [event.text for event in events if isinstance(event, Warned)] == [
        f"No voxel has the label {strange}; it has no surface."
    ]


def test_names_and_units_come_from_the_volume():
    volume = open_volume(cubes(np.uint8, 1, 2), units="micrometer", name="cells")
    volume = dataclasses.replace(volume, label_names={2: "nucleus"})
    found = made(volume)
    assert [one.surface.name for one in found] == ["label 1", "nucleus"]
    assert {one.surface.units for one in found} == {("micrometer",) * 3}
    assert {one.surface.color for one in found} == {label_color(1), label_color(2)}


def test_names_come_from_the_metadata_of_a_store(tmp_path):
    group = zarr.create_group(tmp_path / "labels.zarr")
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    scale = [{"type": "scale", "scale": [2.0, 1.0, 1.0]}]
    shown = [{"label-value": 2, "rgba": [0, 0, 255, 255]}]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}],
        "image-label": {"colors": shown, "properties": [{"label-value": 2, "class": "nucleus"}]},
    }
    group.create_array("0", data=cubes(np.uint8, 1, 2), dimension_names=list("zyx"))
    found = made(tmp_path / "labels.zarr", smoothing=0)
    assert [one.surface.name for one in found] == ["label 1", "nucleus"]
    assert found[1].measures.volume == pytest.approx(54)
    assert found[1].surface.units == ("micrometer",) * 3


def test_channels_of_probabilities_are_classes_without_the_first():
    shapes = [sphere(r).field((1, 1, 1), 24) for r in (4, 6, 8)]
    fields = np.stack([1 / (1 + np.exp(f - 14)) for f in shapes]).astype(np.float32)  # centred beyond the grid
    volume = dataclasses.replace(open_volume(fields, axes="czyx"), channels=("background", "cell", "gap"))
    found = made(volume, level=0.4)
    assert [(one.surface.label, one.surface.name) for one in found] == [(1, "cell"), (2, "gap")]
    (first,) = made(volume, labels=[0], level=0.4)
    assert (first.surface.label, first.surface.name) == (0, "background")
    (single,) = made(fields[1], level=0.4)
    np.testing.assert_array_equal(single.surface.vertices, found[0].surface.vertices)
    (single,) = made(fields[:1], axes="czyx", level=0.4)
    assert single.surface.name == "channel 0"


def test_the_largest_integer_is_a_probability_of_one():
    field = noise((14, 14, 14), 3, 2.0)
    stored = np.round(field * 255).astype(np.uint8)
    (exact,) = made((stored / 255).astype(np.float32), level=0.6)
    (found,) = made(stored, kind="probabilities", level=0.6)
    np.testing.assert_allclose(found.surface.vertices, exact.surface.vertices, atol=1e-5)
    np.testing.assert_array_equal(found.surface.triangles, exact.surface.triangles)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_fields_of_other_floats_are_fields_too(dtype):
    field = noise((10, 10, 10), 3, 2.0).astype(dtype)
    assert_same(made(field), made(field.astype(np.float32)))


def test_a_distance_map_is_known_as_one(tmp_path):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[4:14, 5:16, 6:15] = 1
    volume = open_volume(labels, spacing=(2, 1, 1), translation=(5, 6, 7))
    write_distance_map(volume, tmp_path / "map.zarr", DistanceSettings(classes=[1], convention="exact", chunk_size=8))
    (found,) = made(tmp_path / "map.zarr")
    assert found.surface.name == "label 1"
    assert found.measures.watertight
    low = np.array((5, 6, 7)) + (np.array((4, 5, 6)) - 0.5) * (2, 1, 1)
    high = np.array((5, 6, 7)) + (np.array((13, 15, 14)) + 0.5) * (2, 1, 1)
    np.testing.assert_allclose(found.measures.bounds, [low, high], atol=1.0)
    assert found.measures.volume == pytest.approx(20 * 11 * 9, rel=0.15)
    (given,) = made(np.asarray(open_volume(tmp_path / "map.zarr").data[0]), kind="distance")
    assert given.measures.volume == pytest.approx(found.measures.volume / 2, rel=0.1)


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
def test_a_region_is_the_volume_cut_there_and_stays_in_its_place(kind):
    data = noise((14, 15, 16), 4, 1.5) if kind == "probabilities" else random_labels((14, 15, 16), 0.4, 2, 4)
    box = np.s_[3:11, 0:9, 5:16]
    spacing = np.array((2.0, 1.0, 0.5))
    region = {"kind": kind, "smoothing": 4, "region": "z=3:11, y=:9, x=5:"}
    found = made(open_volume(data, spacing=spacing, translation=(1, 2, 3)), **region)
    first = (np.array((1, 2, 3)) + spacing * (3, 0, 5)).tolist()
    expected = made(open_volume(data[box], spacing=spacing, translation=first), kind=kind, smoothing=4)
    assert labels_of(found) == labels_of(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.surface.triangles, other.surface.triangles)
        np.testing.assert_allclose(one.surface.vertices, other.surface.vertices, atol=1e-9)


def test_a_coarser_level_lies_in_the_same_place(tmp_path):
    labels = np.zeros((48, 48, 48), np.uint8)
    labels[8:40, 10:30, 12:44] = 1
    fine = open_volume(labels, spacing=(2, 1, 1), translation=(5, 6, 7), units="micrometer")
    coarse = open_volume(labels[::2, ::2, ::2], spacing=(4, 2, 2), translation=(6, 6.5, 7.5))
    both = dataclasses.replace(fine, levels=(*fine.levels, *coarse.levels))
    (first,), (second,) = made(both, smoothing=0), made(both, smoothing=0, scale=1)
    assert second.measures.triangles < first.measures.triangles / 3
    np.testing.assert_allclose(second.measures.bounds, first.measures.bounds, atol=2.0)
    np.testing.assert_allclose(second.measures.volume, first.measures.volume, rtol=1e-6)


def test_open_borders_leave_holes_of_the_size_of_the_cut():
    labels = np.zeros((6, 8, 9), np.uint8)
    labels[:, 2:7, 3:9] = 1  # reaches three faces of the volume
    (closed,) = made(labels, smoothing=0)
    (left_open,) = made(labels, smoothing=0, closed=False)
    assert closed.measures.watertight
    assert not left_open.measures.watertight
    assert closed.measures.area - left_open.measures.area == pytest.approx(2 * 5 * 6 + 6 * 5)
    assert left_open.measures.bounds == closed.measures.bounds
    inner = np.pad(labels, 1)
    assert made(inner, smoothing=0, closed=False)[0].measures == made(inner, smoothing=0)[0].measures
    (smoothed,) = made(labels, closed=False, max_error=0.1)
    assert 0 < smoothed.measures.area < closed.measures.area


def test_cavities_and_small_parts_can_go():
    labels = np.zeros((14, 14, 14), np.uint8)
    labels[2:9, 2:9, 2:9] = 1
    labels[4:7, 4:7, 4:7] = 0
    labels[11:13, 11:13, 11:13] = 1
    (every,) = made(labels, smoothing=0)
    assert (every.measures.volume, every.measures.components) == (pytest.approx(343 - 27 + 8), 3)
    (filled,) = made(labels, smoothing=0, fill_cavities=True)
    assert (filled.measures.volume, filled.measures.components) == (pytest.approx(343 + 8), 2)
    (large,) = made(labels, smoothing=0, min_volume=10)
    assert (large.measures.volume, large.measures.components) == (pytest.approx(343 - 27), 2)
    (solid,) = made(labels, smoothing=0, min_volume=10, fill_cavities=True)
    assert (solid.measures.volume, solid.measures.components) == (pytest.approx(343), 1)


def test_labels_of_which_nothing_is_left_are_told():
    events = []
    labels = cubes(np.uint8, 1, 2)
    labels[labels == 2] = 0
    labels[2, 2, -3] = 2
    assert labels_of(made(labels, min_volume=5, on_event=events.append)) == [1]
    assert [e.text for e in events if isinstance(e, Warned)] == [
        "1 of 2 labels are smaller than min_volume and have no surface."
    ]


def test_values_are_those_of_the_volume_at_the_vertices():
    labels = np.zeros((12, 14, 16), np.uint8)
    labels[3:9, 4:10, 5:12] = 1
    spacing, first = np.array((2.0, 1.0, 0.5)), np.array((10.0, 20.0, 30.0))
    places = np.stack(np.indices(labels.shape), -1) * spacing + first
    ramps = {n: open_volume(places[..., k], spacing=spacing, translation=first) for k, n in enumerate("zyx")}
    # on another grid than the labels, with channel and time of their own
    coarse = open_volume(places[None, None, ::2, :, :, 0], axes="tczyx", spacing=spacing * (2, 1, 1), translation=first)
    (one,) = made(open_volume(labels, spacing=spacing, translation=first), values={**ramps, "coarse": coarse})
    for k, name in enumerate("zyx"):
        np.testing.assert_allclose(one.surface.values[name], one.surface.vertices[:, k], rtol=1e-5)
        assert one.surface.values[name].dtype == np.float32
    np.testing.assert_allclose(one.surface.values["coarse"], one.surface.vertices[:, 0], rtol=1e-5)


def test_a_label_that_fills_the_volume_is_a_box():
    (one,) = made(open_volume(np.full((5, 6, 7), 9, np.int16), spacing=(2, 1, 0.5)), smoothing=0)
    assert one.measures.bounds == ((-1, -0.5, -0.25), (9, 5.5, 3.25))
    assert one.measures.volume == pytest.approx(10 * 6 * 3.5)
    (field,) = made(np.ones((5, 6, 7), np.float32))
    np.testing.assert_allclose(field.measures.bounds, [(-0.5,) * 3, (4.5, 5.5, 6.5)], atol=1e-6)
    assert field.measures.volume == pytest.approx(210)


def test_a_single_voxel_stays_about_a_voxel():
    (one,) = made(np.ones((1, 1, 1), np.uint8), smoothing=0)
    assert (one.measures.vertices, one.measures.triangles) == (8, 12)
    assert (one.measures.volume, one.measures.area) == (1, 6)
    (smoothed,) = made(np.ones((1, 1, 1), np.uint8))
    assert smoothed.measures.watertight
    assert smoothed.measures.volume == pytest.approx(1, rel=0.5)


def test_refinement_is_called_between_smoothing_and_simplification():
    seen = []

    def refine(surface):
        seen.append(surface)
        return dataclasses.replace(surface, vertices=surface.vertices + np.array((0, 0, 100)))

    labels = cubes(np.uint8, 1, 2, side=8)
    found = made(labels, refine=refine, triangles=60)
    assert [surface.label for surface in seen] == [1, 2]
    assert all(len(surface.triangles) > 60 for surface in seen)
    for one, before in zip(found, made(labels, triangles=60), strict=True):
        assert one.measures.triangles <= 60
        assert one.measures.centroid[2] == pytest.approx(before.measures.centroid[2] + 100, abs=0.3)


def test_progress_ends_at_its_total():
    events = []
    made(random_labels((20, 20, 20), 0.5, 3, 1), block_size=9, on_event=events.append, threads=2)
    steps = [event for event in events if isinstance(event, Progress)]
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


def test_thousands_of_tiny_labels_and_thousands_of_parts_of_one():
    n = 14
    labels = np.zeros((3 * n,) * 3, np.uint32)
    labels[1::3, 1::3, 1::3] = np.arange(1, n**3 + 1).reshape(n, n, n)
    found = made(labels, smoothing=0, threads=2)
    assert labels_of(found) == list(range(1, n**3 + 1))
    assert {one.measures.triangles for one in found} == {12}
    (one,) = made(labels > 0, smoothing=0)
    assert (one.measures.components, one.measures.volume) == (n**3, pytest.approx(n**3))


class Ball:
    """A ball of ones, made where it is read."""

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, n: int) -> None:
        self.shape = (n, n, n)
        self.largest = 0

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        axes = np.ogrid[tuple(slice(*s.indices(n)[:2]) for s, n in zip(key, self.shape, strict=True))]
        found = (sum((axis - 128) ** 2 for axis in axes) < 40**2).astype(np.uint8)
        self.largest = max(self.largest, found.size)
        return found


def test_blocks_shrink_with_the_budget_and_memory_stays_within_it():
    budget = 64 * 2**20
    made(cubes(np.uint8, 1))  # what is compiled once
    ball = Ball(256)
    tracemalloc.start()
    try:
        (one,) = made(open_volume(ball, axes="zyx"), memory_budget=budget)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ball.largest < 128**3
    assert peak < budget
    assert one.measures.volume == pytest.approx(4 / 3 * np.pi * 40**3, rel=0.01)


def test_layers_of_labels_and_volumes_are_taken_alike():
    labels = cubes(np.uint8, 1, 2)
    assert isinstance(open_volume(labels), Volume)
    assert_same(made(open_volume(labels)), made(labels))


def test_meshes_of_any_label_are_read_by_a_peer():
    for one in made(random_labels((10, 10, 10), 0.4, 2, 8)):
        mesh = trimesh.Trimesh(one.surface.vertices, one.surface.triangles, process=False)
        assert mesh.is_watertight
        assert mesh.volume == pytest.approx(one.measures.volume, rel=1e-9)
        assert mesh.area == pytest.approx(one.measures.area, rel=1e-9)
        assert mesh.euler_number == one.measures.euler


def test_an_image_that_is_taken_for_labels_is_told():
    image = np.arange(512, dtype=np.int64).reshape(8, 8, 8).astype(np.uint8)
    events = []
    made(image, smoothing=0, on_event=events.append)
    assert ["as an image has" in event.text for event in events if isinstance(event, Warned)] == [True]
