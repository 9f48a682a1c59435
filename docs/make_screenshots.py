"""Take the screenshots of the documentation: the real window, in the middle of a real run.

Needs a display with OpenGL and the `samples` extra::

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python docs/make_screenshots.py
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from mesh_pictures import take_meshes
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget
from scripted_painter import paint_truth, weaken

from napari_seamless.engine.tuning import Candidate
from napari_seamless.recipe import make_settings

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = Path(__file__).parent / "images"
SIZE = (1500, 950)
DOCK_WIDTH = 372
AXIAL_PLANE = 86
TUNED_PLANE = 116
TUNED_REGION = "z=104:136,y=88:128,x=60:100"
TUNED_PATCH = (64, 64, 64)
TUNING_SIZE = (1500, 1000)
"""As high as the screen, so that all steps of the dock are in sight."""
PATIENCE_SECONDS = 600


def wait(seconds: float = 0.0, until: Callable[[], bool] = lambda: False) -> None:
    """Let the window live until a condition holds or, without one, for some time."""
    begin = time.monotonic()
    while not until() and time.monotonic() - begin < (seconds or PATIENCE_SECONDS):
        QApplication.processEvents()
        time.sleep(0.01)


def open_window(theme: str) -> tuple[napari.Viewer, Any]:
    """Open the brain and the dock, as File > Open Sample and the Plugins menu do."""
    viewer = napari.Viewer(show=False)
    viewer.theme = theme
    viewer.open_sample("napari-seamless", "brain")
    area, dock = viewer.window.add_plugin_dock_widget("napari-seamless", "Segment volume")
    window = viewer.window._qt_window
    viewer.show()
    window.resize(*SIZE)
    wait(0.5)
    window.resizeDocks([area], [DOCK_WIDTH], Qt.Orientation.Horizontal)
    viewer.mouse_over_canvas = False
    viewer.scene.camera.orientation2d = ("up", "right")
    viewer.reset_view()
    return viewer, dock


def show_plane(viewer: napari.Viewer) -> None:
    """Show an axial plane."""
    viewer.dims.ndisplay = 2
    viewer.dims.set_point(0, AXIAL_PLANE - 72)
    viewer.reset_view(margin=0.08)


def show_volume(viewer: napari.Viewer) -> None:
    """Show brain and labels in 3D."""
    viewer.dims.ndisplay = 3
    brain, labels = viewer.layers["brain T1"], viewer.layers["brain T1 labels"]
    brain.rendering, brain.attenuation = "attenuated_mip", 0.02
    # The brain lies behind the labels, so that the cut through what is finished can be seen.
    brain.blending, labels.opacity = "translucent_no_depth", 1.0
    viewer.reset_view(reset_camera_angle=False)
    viewer.scene.camera.set_view_direction((-0.5, -0.7, 0.6), (1, 0, 0))
    viewer.scene.camera.zoom *= 1.02


def choose(dock: Any, model: str, **settings: Any) -> None:
    """Choose network and settings, and wait for the estimate."""
    dock.choose(model=model, settings=make_settings(**settings))
    wait(until=lambda: dock.run_view.tiles.values["time"].text().startswith("~"))
    # Typed sizes lose the focus frame before the picture is taken.
    if (focus := QApplication.focusWidget()) is not None:
        QWidget.clearFocus(focus)


def take_run(options: argparse.Namespace) -> None:
    """Show a run in the middle, in 2D and in 3D, and its end."""
    viewer, dock = open_window(options.theme)
    show_plane(viewer)
    choose(dock, options.model, patch_size=96, overlap=0.5, chunk_size=30)
    dock.run()
    progress = dock.run_view.progress
    # The plane is looked at, so that its chunks come first; two of three layers of patches reach them.
    wait(until=lambda: progress.value() >= 0.6 * max(1, progress.maximum()))
    save(viewer, options.folder / f"window-2d{suffix(options.theme)}.png")
    show_volume(viewer)
    save(viewer, options.folder / f"window-3d{suffix(options.theme)}.png")
    wait(until=lambda: not dock.state.phase.busy)
    viewer.layers["brain T1 labels"].opacity = 0.6
    show_plane(viewer)
    save(viewer, options.folder / f"window-done{suffix(options.theme)}.png")
    viewer.close()


def take_region(options: argparse.Namespace) -> None:
    """Show a region that was drawn, and segmented alone."""
    viewer, dock = open_window(options.theme)
    show_plane(viewer)
    choose(dock, options.model, patch_size=96, overlap=0.25, chunk_size=30)
    dock.region.draw()
    (z, (top, bottom), (left, right)) = AXIAL_PLANE, (70, 160), (100, 160)
    viewer.layers["region"].add_rectangles(
        np.array([(z, top, left), (z, top, right), (z, bottom, right), (z, bottom, left)])
    )
    wait(0.5)
    choose(dock, options.model, **dock.state.values | {"region": f"z=70:110,{dock.state.values['region']}"})
    dock.run()
    wait(until=lambda: not dock.state.phase.busy)
    save(viewer, options.folder / f"window-region{suffix(options.theme)}.png")
    viewer.close()


def take_tuning(options: argparse.Namespace) -> None:
    """Show the tuning dock after an evaluation, with the grid of patches, and with two settings compared."""
    viewer, dock = open_tuning(options)
    dock.setting.apply(Candidate(TUNED_PATCH, 0.25))
    dock.performance_view.map.setChecked(True)
    dock.evaluation.evaluate()
    wait(until=lambda: not dock.state.phase.busy)
    dock.setting.apply(dock.tuning.advice.recommended.candidate)
    wait(3)
    show_tuned(viewer, dock, wide=True)
    save(viewer, options.folder / "tune-window.png")
    dock.findChild(QScrollArea).verticalScrollBar().setValue(10_000)
    save(viewer, options.folder / "tune-errors.png")
    dock.findChild(QScrollArea).verticalScrollBar().setValue(0)
    dock.performance_view.map.setChecked(False)
    take_grid(options, viewer, dock)
    dock.setting.apply(Candidate(TUNED_PATCH, 0.75))
    dock.compare.keep()
    dock.setting.apply(Candidate(TUNED_PATCH, 0.0))
    dock.setting_view.compare.setChecked(True)
    wait(until=lambda: bool(dock.compare.layers))
    save(viewer, options.folder / "tune-compare.png")
    viewer.close()


def open_dock(options: argparse.Namespace, name: str, sample: str = "brain") -> tuple[napari.Viewer, Any]:
    """Open the brain, or another sample, and a dock, as high as the screen."""
    viewer = napari.Viewer(show=False)
    viewer.theme = options.theme
    viewer.open_sample("napari-seamless", sample)
    area, dock = viewer.window.add_plugin_dock_widget("napari-seamless", name)
    viewer.show()
    viewer.window._qt_window.resize(*TUNING_SIZE)
    wait(0.5)
    viewer.window._qt_window.resizeDocks([area], [DOCK_WIDTH], Qt.Orientation.Horizontal)
    viewer.mouse_over_canvas = False
    viewer.scene.camera.orientation2d = ("up", "right")
    return viewer, dock


def open_tuning(options: argparse.Namespace) -> tuple[napari.Viewer, Any]:
    """Open the brain and the tuning dock, with everything chosen."""
    viewer, dock = open_dock(options, "Tune overlap")
    image, truth = viewer.layers["brain T1"], viewer.layers["brain reference"]
    show_plane(viewer)
    viewer.dims.set_point(0, TUNED_PLANE - 72)
    dock.choose(layer=image, model=options.model, truth=truth, region=TUNED_REGION)
    wait(until=lambda: dock.state.model is not None)
    return viewer, dock


def take_grid(options: argparse.Namespace, viewer: napari.Viewer, dock: Any) -> None:
    """Show the grid over the region in both themes, with the cursor on a patch, and in 3D."""
    dock.setting.apply(Candidate(TUNED_PATCH, 0.25))
    dock.setting_view.grid.setChecked(True)
    viewer.layers["brain T1 seams"].visible = False  # the shade of the grid lies where they lie
    show_tuned(viewer, dock)
    for theme, name in ((options.theme, "tune-grid"), ("light", "tune-grid-light")):
        viewer.theme = theme
        canvas = viewer.window._qt_viewer.canvas.native
        wait(0.5)
        QTest.mouseMove(canvas, canvas.rect().center())
        QTest.mouseMove(canvas, canvas.rect().center() + QPoint(20, 12))
        wait(1)
        save(viewer, options.folder / f"{name}.png")
    viewer.theme = options.theme
    viewer.dims.ndisplay = 3
    viewer.layers["brain T1"].rendering, viewer.layers["brain T1"].attenuation = "attenuated_mip", 0.02
    viewer.layers["brain T1"].blending = "translucent_no_depth"
    show_tuned(viewer, dock)
    viewer.scene.camera.set_view_direction((-0.5, -0.7, 0.6), (1, 0, 0))
    wait(4)
    save(viewer, options.folder / "tune-grid-3d.png")
    viewer.dims.ndisplay = 2
    viewer.layers["brain T1 seams"].visible = True
    dock.setting_view.grid.setChecked(False)
    show_tuned(viewer, dock)


def show_tuned(viewer: napari.Viewer, dock: Any, *, wide: bool = False) -> None:
    """Look at the tuned region; `wide` leaves what lies beside the volume in sight."""
    region, layer = dock.tuning.tuner.region, dock.state.layer
    viewer.reset_view(margin=0.05)
    if not wide:
        middle = layer.data_to_world([(a + b - 1) / 2 for a, b in zip(region.start, region.stop, strict=True)])
        camera = viewer.scene.camera
        camera.center = middle if viewer.dims.ndisplay == 3 else (0, *middle[1:])
        camera.zoom = 0.35 * min(viewer.canvas.size) / max(region.shape)


def take_correcting(options: argparse.Namespace) -> None:
    """Show the correcting dock with a weakened network: before, while it learns, and after, with its states."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weakened.pt"
        weaken(path)
        viewer, dock = open_dock(options, "Correct and refine")
        show_plane(viewer)
        dock.choose(
            layer=viewer.layers["brain T1"], model=str(path), folder=f"{folder}/corrections/brain.corrections.zarr"
        )
        wait(until=lambda: dock.state.model is not None)
        dock.session.start()
        wait(until=lambda: dock.correcting.session is not None)
        dock.refine_view.preview.setChecked(True)
        wait(until=lambda: "refined preview" in viewer.layers)
        wait(20)
        paint_truth(viewer, dock, AXIAL_PLANE)
        wait(1)
        save(viewer, options.folder / f"correct-paint{suffix(options.theme)}.png")
        dock.refine_view.minutes.setValue(1.5)
        dock.refine_steps.refine()
        wait(until=lambda: len(dock.correcting.losses) > 10 or not dock.state.phase.busy)
        save(viewer, options.folder / f"correct-refine{suffix(options.theme)}.png")
        wait(until=lambda: not dock.state.phase.busy and 1 in dock.correcting.dice)
        wait(20)
        column = dock.findChild(QScrollArea)
        column.verticalScrollBar().setValue(column.verticalScrollBar().maximum())
        save(viewer, options.folder / f"correct-states{suffix(options.theme)}.png")
        viewer.close()


def main() -> None:
    """Drive the window through runs and save pictures of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    parser.add_argument("--only", choices=tuple(TAKES), help="take the pictures of one part")
    options = parser.parse_args()
    for name, take in TAKES.items():
        if options.only in {None, name}:
            take(options)


TAKES = {
    "run": take_run,
    "region": take_region,
    "tuning": take_tuning,
    "correcting": take_correcting,
    "meshes": lambda options: take_meshes(options, open_dock, wait, save),
}


def suffix(theme: str) -> str:
    """Return what a theme adds to the name of a picture."""
    return "" if theme == "dark" else f"-{theme}"


def save(viewer: napari.Viewer, path: Path) -> None:
    """Save the window as it is now."""
    wait(0.5)
    viewer.status = "Ready"
    path.parent.mkdir(parents=True, exist_ok=True)
    viewer.window.screenshot(str(path), canvas_only=False, flash=False)


if __name__ == "__main__":
    main()
