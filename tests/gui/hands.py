"""Hands that click, and a network whose result is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_seamless._qt import SegmentDock
from napari_seamless._qt.controllers.tiling_controller import PREPARE_MS
from napari_seamless._qt.core import Core, installed_core
from napari_seamless._qt.state import Phase
from napari_seamless.models import load_model

SHAPE = (32, 32, 32)
WAIT_MS = 20_000


class Threshold(torch.nn.Module):
    """Class 1 where the voxel is above 0.5; as slow as asked, and counts its calls."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds, self.calls = seconds, 0

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        time.sleep(self.seconds)
        return torch.cat([1 - batch, batch], dim=1)


@dataclass
class Hands:
    """Drives the dock as a person would: by its widgets."""

    qtbot: Any
    viewer: Any
    dock: SegmentDock

    def find(self, name: str) -> QWidget:
        found = self.dock.findChildren(QWidget, name)
        assert len(found) == 1, f"{len(found)} widgets are called {name}"
        return found[0]

    def click(self, name: str) -> None:
        self.qtbot.mouseClick(self.find(name), Qt.MouseButton.LeftButton)

    def press(self, name: str, key: Qt.Key) -> None:
        self.qtbot.keyClick(self.find(name), key)

    def type(self, name: str, text: str) -> None:
        widget = self.find(name)
        widget.setFocus()
        self.qtbot.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.qtbot.keyClicks(widget, text)
        self.qtbot.keyClick(widget, Qt.Key.Key_Return)

    def pick(self, name: str, text: str) -> None:
        """Choose an entry of a combo box by keys."""
        combo = self.find(name)
        combo.setFocus()
        self.qtbot.keyClick(combo, Qt.Key.Key_Home)
        for _ in range(combo.count()):
            if text in combo.currentText():
                break
            self.qtbot.keyClick(combo, Qt.Key.Key_Down)
        assert text in combo.currentText()

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def choose_network(self) -> None:
        self.find("network").setFocus()
        self.press("network", Qt.Key.Key_Down)
        self.until(lambda: self.dock.state.model is not None)

    def tile(self, patch: int, overlap: float = 0.0, chunk: int | None = None) -> None:
        """Choose patch, overlap and output chunk."""
        self.type("patch0", str(patch))
        self.press("overlap", Qt.Key.Key_Home)
        for _ in range(round(overlap * 100)):
            self.press("overlap", Qt.Key.Key_Right)
        if chunk is not None:
            self.click("disclosure")
            self.type("chunk", str(chunk))

    def wait_measured(self) -> None:
        """Wait until one patch was measured for the settings as they are."""
        tiles = self.dock.run_view.tiles.values
        self.qtbot.wait(PREPARE_MS + 40)
        self.until(lambda: tiles["time"].text().startswith("~"))

    def wait_idle(self) -> None:
        self.until(lambda: self.dock.state.phase is Phase.IDLE)

    @property
    def message(self) -> str:
        return self.find("message").text()

    @property
    def severity(self) -> str:
        return self.find("message").property("severity")

    @property
    def result(self) -> Any:
        """The result's labels layer, or None."""
        found = [layer for layer in self.viewer.layers if layer.name.endswith("labels")]
        return found[0] if found else None

    def nonzero(self) -> int:
        return int(np.count_nonzero(np.asarray(self.result.data)))


def core_with(network: Any) -> Core:
    """Return the real core in which ``demo`` names another network."""
    core = installed_core()
    if network is None:
        return core
    return replace(core, load_model=lambda source: load_model(network if source == "demo" else source))
