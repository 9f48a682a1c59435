"""Hands on the correcting dock, and a network that can learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from qtpy.QtCore import QPoint, Qt
from tests.gui.hands import Hands

from napari_seamless._qt.state import Phase


class Learner(torch.nn.Module):
    """Two classes by the brightness of a voxel; it begins with the wrong answer everywhere bright."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = torch.nn.Conv3d(1, 2, 1)
        with torch.no_grad():
            self.mix.weight.zero_()
            self.mix.bias.copy_(torch.tensor([1.0, 0.0]))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.mix(batch)


class CorrectHands(Hands):
    """Hands that choose, paint and refine."""

    def start(self, folder: Path | None = None) -> None:
        self.find("correctNetwork").setFocus()
        self.press("correctNetwork", Qt.Key.Key_Home)
        self.until(lambda: self.dock.state.model is not None)
        if folder is not None:
            self.type("correctFolder", str(folder))
        self.open()

    def open(self) -> None:
        self.click("correctStart")
        self.until(lambda: self.session is not None or self.severity == "error")

    @property
    def session(self) -> Any:
        return self.dock.correcting.session

    @property
    def paint_layer(self) -> Any:
        return self.viewer.layers["Corrections"]

    def stroke(self, start: tuple[int, int], stop: tuple[int, int]) -> None:
        """Drag the mouse between two voxels (y, x) of the slice in sight."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        first, last = self._pixel(start), self._pixel(stop)
        left = Qt.MouseButton.LeftButton
        self.qtbot.mouseMove(canvas, first)
        self.qtbot.mousePress(canvas, left, pos=first)
        for part in (0.25, 0.5, 0.75, 1.0):
            self.qtbot.mouseMove(canvas, first + (last - first) * part)
            self.qtbot.wait(5)
        self.qtbot.mouseRelease(canvas, left, pos=last)

    def _pixel(self, place: tuple[int, int]) -> QPoint:
        camera, viewer = self.viewer.scene.camera, self.viewer
        height, width = viewer.canvas.size
        world = self.paint_layer.data_to_world((0, *place))[1:]
        y, x = (np.asarray(world) - np.asarray(camera.center)[-2:]) * camera.zoom + np.array([height, width]) / 2
        return QPoint(round(x), round(y))

    def learn(self, steps: int = 3, patch: int = 16) -> None:
        if not self.find("learnPatch").isVisible():
            self.click("disclosure")
        self.type("steps", str(steps))
        self.type("learnPatch", str(patch))
        self.click("refine")

    def wait_learnt(self) -> None:
        self.until(lambda: self.dock.state.phase is Phase.IDLE and self.find("refine").isEnabled())


def paint_both(hands: CorrectHands) -> None:
    hands.click("class0")
    hands.stroke((12, 6), (36, 6))
    hands.click("class1")
    hands.stroke((12, 40), (36, 40))
