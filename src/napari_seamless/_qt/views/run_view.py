"""Step 4: start, watch, pause, cancel."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton

from napari_seamless._qt.state import Phase
from napari_seamless._qt.views.reporting import Reporting
from napari_seamless._qt.views.step import Step
from napari_seamless._qt.views.tiles import Tiles
from napari_seamless._qt.views.timing_bar import TimingBars

_TILES = {
    "patches": ("patches", "Number of forward passes."),
    "evaluations": ("per voxel", "How often the network looks at a voxel on average. Time grows with it."),
    "time": ("time", "Measured on one patch of this volume, times the number of patches."),
    "memory": ("memory", "Expected peak of the engine, within the memory budget."),
}


class RunView(Reporting, Step):
    """What a run will cost; run, pause, cancel; progress, messages and the timing readout.

    Signals
    -------
    run_asked, pause_asked, cancel_asked
        The buttons; pause also resumes.
    """

    run_asked = Signal()
    pause_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__(4, "Run", "Runs in the background; the result grows in the viewer.")
        self.run = _button("run", "Run", "Start the run with the settings above.", self.run_asked)
        self.run.setProperty("main", True)
        self.pause = _button("pause", "Pause", "Stop after this batch and keep everything.", self.pause_asked)
        self.cancel = _button("cancel", "Cancel", "End the run; what is finished stays.", self.cancel_asked)
        self.tiles = Tiles(_TILES)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.pause, 1)
        buttons.addWidget(self.cancel, 1)
        self.look_first = QCheckBox("What I look at first")
        self.look_first.setObjectName("lookFirst")
        self.look_first.setToolTip(
            "Segment the part of the volume that the viewer shows before the rest, and follow when you scroll, pan or "
            "zoom. The result is the same. In 3D all is in sight, and the run goes from the first slice to the last."
        )
        self.look_first.setChecked(True)
        line = self.make_report()
        self.timings = TimingBars()
        self.header.addWidget(self.look_first)
        self.body.addWidget(self.tiles)
        self.body.addLayout(buttons)
        self.body.addWidget(self.progress)
        self.body.addLayout(line)
        self.body.addWidget(self.message)
        self.body.addWidget(self.timings)
        self.show_phase(Phase.IDLE, ready=False)

    def show_estimate(self, texts: Mapping[str, str]) -> None:
        """Show what the run will cost; a name that is left out gets a dash."""
        self.tiles.show_values(texts)

    def show_phase(self, phase: Phase, *, ready: bool) -> None:
        """Enable the buttons that make sense now."""
        self.run.setEnabled(ready and not phase.busy)
        self.pause.setEnabled(phase in {Phase.RUNNING, Phase.PAUSED})
        self.pause.setText("Resume" if phase is Phase.PAUSED else "Pause")
        self.cancel.setEnabled(phase in {Phase.RUNNING, Phase.PAUSED})

    def show_timings(self, seconds: Mapping[str, float], waited: float = 0.0) -> None:
        """Show the time by stage, and how long the network waited; none hides it."""
        self.timings.show_timings(seconds, waited)


def _button(name: str, text: str, tooltip: str, signal: Signal) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tooltip)
    button.clicked.connect(lambda _: signal.emit())
    return button
