"""The dock widget: makes views, state and controllers, and takes everything down again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_seamless._qt.any_dock import AnyDock, plot_colors
from napari_seamless._qt.controllers.network_controller import NetworkController
from napari_seamless._qt.controllers.region_controller import RegionController
from napari_seamless._qt.controllers.run_controller import RunController
from napari_seamless._qt.controllers.sight_controller import SightController
from napari_seamless._qt.controllers.tiling_controller import TilingController
from napari_seamless._qt.controllers.volume_controller import VolumeController
from napari_seamless._qt.core import Core, installed_core
from napari_seamless._qt.occupancy import OccupancyMode
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.theme import Palette
from napari_seamless._qt.views.network_view import NetworkView
from napari_seamless._qt.views.run_view import RunView
from napari_seamless._qt.views.tiling_view import TilingView
from napari_seamless._qt.views.volume_view import VolumeView
from napari_seamless._qt.worker import Worker
from napari_seamless.recipe import RunSettings


class SegmentDock(AnyDock):
    """Segment a volume patch by patch and watch the result grow.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers are offered and which gets the result.
    core : Core or None
        The functions of the core; None takes this package's own.
    """

    def __init__(self, napari_viewer: napari.Viewer, *, core: Core | None = None) -> None:
        super().__init__(napari_viewer, "segmentDock")
        self.state = WindowState()
        self.worker = Worker(self)
        self.volume_view, self.network_view = VolumeView(), NetworkView()
        self.tiling_view, self.run_view = TilingView(), RunView()
        core = core or installed_core()
        parts = Parts(self.state, self.worker, core)
        self.tiling = TilingController(self.tiling_view, self.run_view, parts)
        # The volume's controller comes last: all others listen when it makes the first choice.
        self.sight = SightController(napari_viewer, self.run_view, self.state)
        self.run_steps = RunController(napari_viewer, self.run_view, parts, self.tiling, self.sight)
        self.occupancy = OccupancyMode(napari_viewer, self.tiling_view, self.run_view, parts, self.sight)
        self.run_steps.on_finished = self.occupancy.add_patch_result
        self.network = NetworkController(self.network_view, parts)
        self.region = RegionController(napari_viewer, self.volume_view.region, parts)
        self.volume = VolumeController(napari_viewer, self.volume_view, parts)
        self._lay_out()
        self.tiling_view.rare.set_devices(_devices())
        self._begin(_Closing(self))

    def choose(
        self, *, layer: Any = None, model: Any = None, settings: RunSettings | None = None, output: Path | None = None
    ) -> None:
        """Make the choices that a person would make by hand; the network is loaded in the background."""
        if layer is not None:
            self.volume.choose(layer)
        if settings is not None:
            self.state.values = settings.model_dump()
        if output is not None:
            self.tiling_view.output.path.setText(str(output))
        if model is not None:
            self.network.choose(model)

    def run(self) -> None:
        """Start the run; does nothing where a choice is missing."""
        self.run_steps.run()

    def _end(self) -> None:
        """Cancel a run, and wait for its thread."""
        self.run_steps.close()
        self.occupancy.close()
        self.tiling.close()
        self.region.close()
        self.volume.close()
        self.worker.close()

    def _lay_out(self) -> None:
        column = QWidget()
        column.setObjectName("stepColumn")
        steps = QVBoxLayout(column)
        steps.setContentsMargins(0, 0, 0, 0)
        steps.setSpacing(8)
        for view in (self.volume_view, self.network_view, self.tiling_view, self.occupancy.view):
            steps.addWidget(view)
        scroll = _Scroll(column, self.tiling_view.rare)
        self.tiling_view.disclosure.toggled.connect(scroll.reveal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(8)
        layout.addWidget(scroll)
        # The last step stays in sight however far the others are scrolled.
        layout.addWidget(self.run_view)
        layout.addWidget(self.occupancy.compare_view)
        layout.addStretch(1)

    def _color(self, colors: Palette) -> None:
        plots = plot_colors(colors)
        self.run_view.progress.set_colors(colors.accent, colors.field)
        self.run_view.timings.set_colors(plots)


def find_segment_dock(widget: QWidget, viewer: napari.Viewer) -> SegmentDock:
    """Return the dock that segments in the window of a widget; opens it beside the others where it is not."""
    found = widget.window().findChildren(SegmentDock)
    if found:
        return found[0]
    _, dock = viewer.window.add_plugin_dock_widget("napari-seamless", "Segment volume", tabify=True)
    return dock


class _Scroll(QScrollArea):
    """A scroll area that is never taller than what it holds, so that the last step follows closely.

    Parameters
    ----------
    content : QWidget
        What is scrolled.
    disclosed : QWidget
        The part of it that is hidden at first.
    """

    def __init__(self, content: QWidget, disclosed: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._disclosed = disclosed
        self._reveal_soon = QTimer(self)
        self._reveal_soon.setSingleShot(True)
        self._reveal_soon.timeout.connect(self._reveal)

    def reveal(self, shown: bool) -> None:
        """Scroll to what has just been disclosed below the edge, as soon as it is laid out."""
        if shown:
            self._reveal_soon.start()

    def _reveal(self) -> None:
        self.ensureWidgetVisible(self._disclosed, 0, 12)

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return self.widget().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return a height at which scrolling still makes sense."""
        return QSize(0, 120)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Grow and shrink with the content."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class _Closing:
    """Ends what a dock started when Qt destroys the dock, without keeping the dock alive."""

    def __init__(self, dock: SegmentDock) -> None:
        self._run, self._occupancy, self._worker = dock.run_steps, dock.occupancy.run, dock.worker

    def __call__(self, *_: object) -> None:
        self._run.close()
        self._occupancy.close()
        self._worker.close()


def _devices() -> list[str]:
    """Return the devices of this machine that torch can use."""
    import torch

    return ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
