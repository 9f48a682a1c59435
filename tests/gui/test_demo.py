"""`make demo` with a display: the window opens by itself and the run is under way."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless._qt.demo import open_demo


def test_the_demo_opens_the_brain_and_starts_the_run(
    make_napari_viewer: Any, qtbot: Any, no_threads_left: None
) -> None:
    viewer, dock = open_demo(make_napari_viewer(show=True, strict_qt="raise"))
    assert {"brain T1", "brain reference"} <= {layer.name for layer in viewer.layers}
    qtbot.waitUntil(lambda: dock.state.phase.busy, timeout=60_000)
    qtbot.waitUntil(lambda: "brain T1 labels" in viewer.layers, timeout=60_000)
    assert dock.state.model.spec.name == "demo MeshNet"
    labels = viewer.layers["brain T1 labels"]
    np.testing.assert_array_equal(labels.data.shape, viewer.layers["brain T1"].data.shape)
    dock.run_steps.cancel()
    qtbot.waitUntil(lambda: not dock.state.phase.busy, timeout=60_000)
    dock.shut_down()
