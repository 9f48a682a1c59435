"""What cannot be made is said in one sentence."""

from __future__ import annotations

import numpy as np


def assert_said(hands, severity: str, *words: str) -> None:
    hands.until(lambda: not hands.dock.state.phase.busy and hands.severity == severity)
    for word in words:
        assert word in hands.message
    assert "\n" not in hands.message


def test_without_a_layer_there_is_nothing_to_do(make_mesh_hands):
    hands = make_mesh_hands()
    assert not hands.find("meshCreate").isEnabled()
    assert not hands.find("meshExport").isEnabled()
    hands.dock.make.create()
    assert_said(hands, "error", "no volume")
    hands.dock.source_view.path_chosen.emit("/nowhere/labels.tif")
    hands.until(lambda: "/nowhere/labels.tif" in hands.message and hands.severity == "error")


REFUSED = (
    ("meshThese", "", ("No label is named",)),
    ("meshThese", "nucleus", ("labels such as", "'nucleus'")),
    ("meshThese", "77", ("77",)),
    ("meshTriangles", "many", ("Triangles", "'many'")),
    ("meshTriangles", "2", ("triangles", "2")),
    ("meshMinVolume", "-1", ("min_volume", "-1")),
    ("meshMinVolume", "1e9", ("min_volume", "smaller")),
)


def test_what_is_typed_wrong_is_refused(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    hands.pick("meshWhat", "these")
    for widget, typed, words in REFUSED:
        hands.dock.state.say("")
        hands.type("meshThese", "1")
        hands.find(widget).clear()
        hands.type(widget, typed)
        hands.click("meshCreate")
        assert_said(hands, "error", *words)
        assert hands.meshes == []
        hands.find(widget).clear()


def test_the_background_is_no_surface(make_mesh_hands, labels):
    hands = make_mesh_hands(labels)
    hands.viewer.layers["cells"].selected_label = 0
    hands.pick("meshWhat", "selected")
    hands.click("meshCreate")
    assert_said(hands, "error", "background")


def test_empty_labels(make_mesh_hands, labels):
    hands = make_mesh_hands(np.zeros_like(labels))
    hands.click("meshCreate")
    assert_said(hands, "error", "no label but 0")


def test_time_is_refused_before_anything_is_made(make_mesh_hands, labels):
    hands = make_mesh_hands()
    movie = np.stack([labels, labels])
    hands.viewer.add_labels(movie, name="movie", axis_labels=("t", "z", "y", "x"))
    assert_said(hands, "error", "along t", "2")
    assert not hands.find("meshCreate").isEnabled()
