"""What `mesh` writes, says and refuses."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import zarr
from tests.cli.cases import assert_refused, store

from napari_seamless.cli.steps_run import StepsReporter
from napari_seamless.engine import mesh as engine
from napari_seamless.engine.mesh import MeshSettings, make_meshes
from napari_seamless.errors import VolumeError


@pytest.fixture
def labels():
    labels = np.zeros((16, 18, 24), np.uint8)
    labels[2:8, 3:12, 2:9] = 1
    labels[10:15, 3:12, 2:9] = 2
    labels[4:14, 4:14, 13:] = 7
    return labels


@pytest.fixture
def mesh(invoke, tmp_path, labels):
    source = store(tmp_path / "labels.zarr", labels)

    def call(*words, source=source, output=tmp_path / "out.ply"):
        return invoke("mesh", *words, source, output)

    return call


@pytest.fixture
def asked(mesh, monkeypatch):
    """Call ``mesh`` without the work, and return what the engine was asked for."""
    calls = []

    def write(*arguments, **named):
        calls.append((arguments, named))
        raise VolumeError("That is all.")

    def call(*words, **places):
        monkeypatch.setattr(engine, "write_meshes", write)
        mesh(*words, **places)
        (arguments, named) = calls.pop()
        return arguments, named

    return call


def surfaces(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["surfaces"]


def test_every_option_reaches_the_settings(asked, tmp_path):
    words = ["--label", "7", "--triangles", "500", "--max-error", "0.5", "--smoothing", "9", "--min-volume", "2.5"]
    words += ["--fill-cavities", "--open-border", "--kind", "probabilities", "--level", "0.25", "--region", "z=1:9"]
    words += ["--scale", "1", "--value", "d=map.zarr", "--value", "p=a=b.zarr", "--each", "--spacing", "2", "1", "0.5"]
    words += ["--memory-budget", "64MiB", "--threads", "3", "--axes", "zyx", "--overwrite"]
    (source, output, settings), named = asked(*words)
    assert (source, output) == (str(tmp_path / "labels.zarr"), str(tmp_path / "out.ply"))
    assert settings == MeshSettings(
        labels=[7],
        triangles=500,
        max_error=0.5,
        smoothing=9,
        min_volume=2.5,
        fill_cavities=True,
        closed=False,
        kind="probabilities",
        level=0.25,
        region="z=1:9",
        scale=1,
        values={"d": "map.zarr", "p": "a=b.zarr"},
        spacing=(2.0, 1.0, 0.5),
        memory_budget="64MiB",
        threads=3,
    )
    assert {name: named[name] for name in ("each", "axes", "overwrite")} == {
        "each": True,
        "axes": "zyx",
        "overwrite": True,
    }


def test_without_options_the_settings_are_the_defaults(asked):
    (_, _, settings), named = asked()
    assert settings == MeshSettings()
    assert (named["each"], named["axes"], named["overwrite"]) == (False, None, False)


@pytest.mark.parametrize(
    "words",
    [
        ("--label", "1", "7"),
        ("--label", "1", "--label", "7"),
        ("--label", "1,7"),
        ("--label", "7", "1", "--label", "1"),
    ],
)
def test_labels_may_stand_side_by_side_be_joined_or_repeated(mesh, words):
    assert [row["label"] for row in surfaces(mesh(*words, "--json"))] == [1, 7]


def test_the_report_is_one_json_object(mesh, tmp_path, labels):
    result = mesh("--json", "--spacing", "2", "1", "1")
    values = json.loads(result.stdout)
    assert values["output"] == str(tmp_path / "out.ply")
    assert (values["voxels"], values["warnings"], values["unit"]) == (labels.size, [], None)
    assert set(values["seconds"]) == {"faces", "surfaces", "total"}
    assert values["peak_memory_bytes"] > 2**20
    expected = make_meshes(labels, MeshSettings(spacing=(2, 1, 1)))
    for row, made in zip(values["surfaces"], expected, strict=True):
        measures = made.measures
        assert (row["label"], row["name"]) == (made.surface.label, made.surface.name)
        assert (row["area"], row["volume"]) == (measures.area, measures.volume)
        assert (row["triangles"], row["vertices"]) == (measures.triangles, measures.vertices)
        assert (row["components"], row["euler"], row["watertight"], row["error"]) == (1, 2, True, 0.0)
        assert row["bounds"] == [list(end) for end in measures.bounds]
        assert row["centroid"] == list(measures.centroid)


def test_the_summary_is_a_few_lines(mesh, tmp_path):
    text = mesh().stdout
    assert text.splitlines()[0] == str(tmp_path / "out.ply")
    assert "3, all watertight" in text
    assert "label 7" in text
    assert "1 of them not watertight" in mesh("--overwrite", "--open-border").stdout
    assert mesh("--overwrite", "--quiet").stdout == ""


def test_many_surfaces_are_cut_short_in_the_summary(mesh, tmp_path):
    many = np.zeros((4, 4, 60), np.uint8)
    many[1:3, 1:3, 1:] = np.arange(59) // 3 + 1
    result = mesh("--smoothing", "0", source=store(tmp_path / "many.zarr", many))
    assert "... and 8 more (--json lists all)" in result.stdout
    assert len(result.stdout.splitlines()) < 25


def test_values_are_sampled_and_written(mesh, tmp_path):
    ramp = np.broadcast_to(np.arange(16.0)[:, None, None], (16, 18, 24)).astype(np.float32)
    path = store(tmp_path / "ramp.zarr", ramp)
    result = mesh("--value", f"depth={path}", "--label", "1", "--quiet")
    assert result.exit_code == 0, result.output
    assert b"property float depth" in (tmp_path / "out.ply").read_bytes()[:1000]


def test_each_surface_has_a_file(mesh, tmp_path):
    result = mesh("--each", "--json")
    assert json.loads(result.stdout)["output"] == str(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["out_1.ply", "out_2.ply", "out_7.ply"]


def test_fields_and_their_level_are_told_by_options(mesh, tmp_path):
    grid = np.indices((16, 16, 16)).astype(np.float32)
    distance = np.sqrt(((grid - 7.5) ** 2).sum(0)) - 5
    source = store(tmp_path / "field.zarr", distance.astype(np.float32))
    (row,) = surfaces(mesh("--kind", "distance", "--json", source=source))
    assert row["volume"] == pytest.approx(4 / 3 * np.pi * 125, rel=0.02)
    (row,) = surfaces(mesh("--kind", "distance", "--level", "-1", "--json", "--overwrite", source=source))
    assert row["volume"] == pytest.approx(4 / 3 * np.pi * 64, rel=0.02)


def test_warnings_are_told_once_on_standard_error(mesh):
    result = mesh("--label", "1", "5")
    assert result.exit_code == 0
    assert result.stderr.count("Warning:") == 1
    assert "label 5" in result.stderr


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--label", "99"], ["the label 99", "labels"]),
        (["--triangles", "1"], ["triangles", "1"]),
        (["--max-error", "0"], ["max_error", "0.0"]),
        (["--smoothing", "-3"], ["smoothing", "-3"]),
        (["--min-volume", "-1"], ["min_volume", "-1.0"]),
        (["--level", "0.5", "--kind", "labels"], ["level", "0.5"]),
        (["--region", "z=30:40"], ["30"]),
        (["--scale", "3"], ["scale", "3"]),
        (["--spacing", "1", "2"], ["spacing", "3 spatial axes"]),
        (["--spacing", "0"], ["spacing", "0.0"]),
        (["--memory-budget", "much"], ["memory_budget", "much"]),
        (["--memory-budget", "1MiB"], ["memory_budget", "16 MiB"]),
        (["--threads", "0"], ["threads", "0"]),
        (["--axes", "tzx"], ["one position along t", "has 16"]),
        (["--value", "d=none.zarr"], ["none.zarr"]),
    ],
)
def test_bad_values_are_refused_in_a_sentence(mesh, tmp_path, words, names):
    assert_refused(mesh(*words), *names)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.zarr"]


@pytest.mark.parametrize(
    "words", [["--label", "one"], ["--kind", "image"], ["--value", "map.zarr"], ["--value", "d="], ["--no-such"]]
)
def test_words_that_make_no_sense_are_refused_as_usage(mesh, tmp_path, words):
    result = mesh(*words)
    assert result.exit_code == 2
    assert words[-1] in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["labels.zarr"]


def test_wrong_sources_and_outputs_are_refused(mesh, tmp_path):
    assert_refused(mesh(output=tmp_path / "out.stk"), ".glb", "out.stk")
    assert_refused(mesh(output=tmp_path / "none" / "out.ply"), "none", "does not exist")
    assert_refused(mesh(source=tmp_path / "none.zarr"), "none.zarr")
    image = store(tmp_path / "image.zarr", np.zeros((8, 8, 8), np.float32))
    assert_refused(mesh("--kind", "labels", source=image), "float32")
    assert_refused(mesh(source=store(tmp_path / "flat.zarr", np.ones((8, 8), np.uint8))), "three spatial axes")
    (tmp_path / "out.ply").write_bytes(b"old")
    assert_refused(mesh(), "out.ply", "exists")
    assert (tmp_path / "out.ply").read_bytes() == b"old"


def test_ctrl_c_leaves_nothing(mesh, tmp_path, monkeypatch):
    signals = iter([signal.SIGINT])

    def interrupt(*_):
        for number in signals:  # once: a second one would stop at once
            os.kill(os.getpid(), number)

    monkeypatch.setattr(StepsReporter, "__call__", interrupt)
    result = mesh()
    assert result.exit_code == 130
    assert "nothing of them is left" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["labels.zarr"]


def test_a_store_of_probabilities_has_a_surface_for_each_class(mesh, tmp_path):
    data = np.zeros((3, 12, 12, 12), np.uint8)
    data[0] = 255
    data[1, 2:6, 2:6, 2:6], data[2, 7:10, 7:10, 7:10] = 255, 255
    group = zarr.create_group(tmp_path / "classes.zarr")
    axes = [{"name": "c", "type": "channel"}, *({"name": n, "type": "space"} for n in "zyx")]
    scale = [{"type": "scale", "scale": [1.0] * 4}]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}],
        "omero": {"channels": [{"label": name} for name in ("background", "cell", "gap")]},
    }
    group.create_array("0", data=data, dimension_names=list("czyx"))
    rows = surfaces(mesh("--json", source=tmp_path / "classes.zarr"))
    assert [(row["label"], row["name"]) for row in rows] == [(1, "cell"), (2, "gap")]


def test_the_help_names_every_option_and_every_kind_of_file(invoke):
    text = invoke("mesh", "--help").stdout
    for suffix in (".glb", ".obj", ".ply", ".stl", ".vtp", ".precomputed"):
        assert suffix in text
    for option in ("--label", "--triangles", "--value", "--open-border", "--json", "--overwrite"):
        assert option in text
    assert "mesh" in invoke("--help").stdout
