"""The folder for Neuroglancer, read as its specification says and by nothing of the writer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.mesh.export.conftest import ball_surface, box_surface, mesh_of

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.export import PrecomputedWriter, precomputed

draco = pytest.importorskip("DracoPy")

MICROMETERS = ("micrometer",) * 3


def read_index(path):
    """Return corner, cell and, for each level, scale, offset, cells (cell, 3) and sizes."""
    data = path.read_bytes()
    numbers, whole = np.frombuffer(data, "<f4"), np.frombuffer(data, "<u4")
    cell, origin, n = numbers[:3].astype(float), numbers[3:6].astype(float), int(whole[6])
    scales, offsets = numbers[7 : 7 + n], numbers[7 + n : 7 + 4 * n].reshape(n, 3)
    counts = whole[7 + 4 * n : 7 + 5 * n]
    at = 7 + 5 * n
    levels = []
    for scale, offset, count in zip(scales, offsets, counts, strict=True):
        cells = whole[at : at + 3 * count].reshape(3, count).T
        levels.append((scale, offset, cells.astype(int), whole[at + 3 * count : at + 4 * count].astype(int)))
        at += 4 * count
    assert at == len(whole)
    return origin, cell, levels


def read_segment(folder, label):
    """Return corner, cell and, for each level, a mapping of cells to (integer vertices, triangles) or None."""
    origin, cell, levels = read_index(folder / f"{label}.index")
    data = (folder / str(label)).read_bytes()
    assert len(data) == sum(sizes.sum() for *_, sizes in levels)
    found, at = [], 0
    for *_, cells, sizes in levels:
        fragments = {}
        for place, size in zip(cells.tolist(), sizes.tolist(), strict=True):
            mesh = draco.decode(data[at : at + size]) if size else None
            fragments[tuple(place)] = mesh and (np.rint(mesh.points).astype(int), mesh.faces.astype(int))
            at += size
        found.append(fragments)
    return origin, cell, found


def positions(fragments, k, grid, bits):
    """Return the corners (triangle, 3, 3) of a level as the specification computes them."""
    origin, cell = grid
    corners = []
    for place, fragment in fragments.items():
        if fragment:
            points, faces = fragment
            corners.append((origin + cell * 2**k * (np.array(place) + points / (2**bits - 1)))[faces])
    return np.concatenate(corners)


def measures(corners):
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    shifted = corners - corners.mean(axis=(0, 1))
    volume = np.einsum("ij,ij->", shifted[:, 0], np.cross(shifted[:, 1], shifted[:, 2])) / 6
    return volume, np.linalg.norm(cross, axis=1).sum() / 2


def write(folder, levels, bits=16):
    writer = PrecomputedWriter(folder, units=MICROMETERS, bits=bits)
    writer.add(levels)
    writer.finish()


@pytest.fixture
def small_cells(monkeypatch):
    monkeypatch.setattr(precomputed, "_TRIANGLES_OF_A_CELL", 100)


@pytest.fixture
def levels():
    settings = {"center": (100.0, 200.0, 300.0), "radii": (10.0, 14.0, 30.0), "label": 5, "name": "cell five"}
    return [ball_surface(n, **settings) for n in (5, 4, 3, 2)]


@pytest.mark.parametrize("bits", [10, 16])
def test_every_level_has_the_volume_and_the_area_of_its_surface(tmp_path, levels, small_cells, bits):
    write(tmp_path, levels, bits)
    origin, cell, found = read_segment(tmp_path, 5)
    assert len(found) == 4
    assert sum(fragment is not None for fragment in found[0].values()) > 64
    for k, (fragments, surface) in enumerate(zip(found, levels, strict=True)):
        corners = positions(fragments, k, (origin, cell), bits)
        volume, area = measures(corners)
        step = cell[0] * 2**k / (2**bits - 1)
        truth = mesh_of(surface)
        assert volume == pytest.approx(truth.volume, abs=step * truth.area)
        assert area == pytest.approx(truth.area, rel=20 * step / 10)
        np.testing.assert_allclose(corners.min(axis=(0, 1)), truth.bounds[0], atol=step)
        np.testing.assert_allclose(corners.max(axis=(0, 1)), truth.bounds[1], atol=step)


@pytest.mark.parametrize("bits", [10, 16])
def test_pieces_meet_without_a_crack(tmp_path, levels, small_cells, bits):
    write(tmp_path, levels, bits)
    for fragments in read_segment(tmp_path, 5)[2]:
        edges = Counter()
        for place, fragment in fragments.items():
            if fragment:
                corners = (np.array(place) * (2**bits - 1) + fragment[0])[fragment[1]].tolist()
                for triangle in corners:
                    a, b, c = map(tuple, triangle)
                    edges.update([(a, b), (b, c), (c, a)])
        assert all(edges[b, a] == n for (a, b), n in edges.items())


@pytest.mark.parametrize("bits", [10, 16])
def test_every_vertex_lies_in_its_cell_and_every_triangle_of_a_coarse_level_in_an_eighth(
    tmp_path, levels, small_cells, bits
):
    write(tmp_path, levels, bits)
    for k, fragments in enumerate(read_segment(tmp_path, 5)[2]):
        for points, faces in filter(None, fragments.values()):
            assert points.min() >= 0
            assert points.max() <= 2**bits - 1
            if k:
                corners = points[faces]
                low = (corners <= 2 ** (bits - 1)).all(axis=1)
                high = (corners >= 2 ** (bits - 1)).all(axis=1)
                assert (low | high).all()


def test_cells_are_in_the_order_of_the_z_curve_and_each_is_below_one_of_the_next_level(tmp_path, levels, small_cells):
    write(tmp_path, levels)
    _, _, found = read_index(tmp_path / "5.index")
    scales = [scale for scale, *_ in found]
    assert all(0 < a < b for a, b in pairwise(scales))
    for _, offset, cells, _ in found:
        assert not offset.any()
        curve = [
            int("".join(f"{z >> i & 1}{y >> i & 1}{x >> i & 1}" for i in reversed(range(12))), 2) for x, y, z in cells
        ]
        assert curve == sorted(set(curve))
    for (*_, fine, _), (*_, coarse, _) in pairwise(found):
        assert {tuple(place) for place in fine // 2} <= {tuple(place) for place in coarse}


def test_a_part_of_a_coarse_cell_that_the_finer_surface_leaves_empty_is_a_cell_without_bytes(tmp_path, small_cells):
    fine = ball_surface(4, (0, 0, 0), (1, 1, 1), label=1)
    wider = ball_surface(3, (0, 0, 0), (3, 3, 3), label=1)
    write(tmp_path, [fine, wider])
    found = read_segment(tmp_path, 1)[2]
    assert None in found[0].values()
    middle = 2**15
    for place, fragment in found[1].items():
        if fragment is None:
            continue
        corners = fragment[0][fragment[1]]
        octants = {tuple(octant) for octant in (corners.max(axis=1) > middle).astype(int)}
        assert {tuple(2 * np.array(place) + octant) for octant in octants} <= set(found[0])


def test_a_box_on_the_planes_of_the_grid_keeps_its_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(precomputed, "_TRIANGLES_OF_A_CELL", 1)
    write(tmp_path, [box_surface(label=2), box_surface(label=2)])
    origin, cell, found = read_segment(tmp_path, 2)
    for k, fragments in enumerate(found):
        assert measures(positions(fragments, k, (origin, cell), 16)) == pytest.approx((30, 62), rel=1e-3)


def test_the_folder_says_what_it_holds(tmp_path, levels):
    writer = PrecomputedWriter(tmp_path / "meshes", units=("millimeter", None, "micrometer"))
    writer.add([replace(levels[-1], label=11, name="")])
    writer.add([levels[-1]])
    writer.finish()
    info = json.loads((tmp_path / "meshes" / "info").read_text())
    assert info == {
        "@type": "neuroglancer_multilod_draco",
        "vertex_quantization_bits": 16,
        "transform": [1000, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1e6, 0],
        "lod_scale_multiplier": 1,
        "segment_properties": "segment_properties",
    }
    properties = json.loads((tmp_path / "meshes" / "segment_properties" / "info").read_text())
    assert properties["@type"] == "neuroglancer_segment_properties"
    assert properties["inline"] == {
        "ids": ["5", "11"],
        "properties": [{"id": "label", "type": "label", "values": ["cell five", "11"]}],
    }


def test_positions_are_stored_as_signed_integers(tmp_path, levels):
    write(tmp_path, levels[-1:])
    mesh = draco.decode((tmp_path / "5").read_bytes())
    signed_of_32_bits = 5  # in Draco's numbering of types
    assert mesh.attributes[0]["data_type"] == signed_of_32_bits


def test_far_from_the_origin_only_steps_are_lost(tmp_path):
    center = (1e6 + 0.3, 2e6, 3e6)
    far = ball_surface(3, center, (5, 5, 5), label=1)
    write(tmp_path, [far])
    origin, cell, found = read_segment(tmp_path, 1)
    corners = positions(found[0], 0, (origin, cell), 16)
    truth = mesh_of(far)
    np.testing.assert_allclose(corners.max(axis=(0, 1)), truth.bounds[1], atol=cell[0] / 65535, rtol=0)


def test_what_has_no_triangles_is_left_out(tmp_path, levels):
    nothing = replace(levels[0], vertices=np.empty((0, 3)), triangles=np.empty((0, 3), np.int32))
    writer = PrecomputedWriter(tmp_path, units=MICROMETERS)
    writer.add([replace(nothing, label=9)])
    writer.add([levels[-1], nothing, levels[-1]])
    writer.finish()
    assert len(read_index(tmp_path / "5.index")[2]) == 1
    assert not (tmp_path / "9").exists()


def test_settings_that_make_no_sense_are_refused(tmp_path, levels):
    with pytest.raises(SettingsError, match="10 or 16"):
        PrecomputedWriter(tmp_path, bits=12)
    with pytest.raises(SettingsError, match="furlong"):
        PrecomputedWriter(tmp_path, units=("furlong",) * 3)
    writer = PrecomputedWriter(tmp_path)
    with pytest.raises(SettingsError, match="empty"):
        writer.add([])
    with pytest.raises(SettingsError, match="label -1"):
        writer.add([replace(levels[-1], label=-1)])
    writer.add(levels[-1:])
    with pytest.raises(SettingsError, match="label 5"):
        writer.add(levels[-1:])
