"""Step 3: how the network learns from what is painted."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QLineEdit, QPushButton, QSpinBox, QWidget

from napari_seamless._qt.correcting.loss_plot import LossPlot
from napari_seamless._qt.views.progress_line import ProgressLine
from napari_seamless._qt.views.step import Choice, Disclosure, Step, beside, label, named_rows

LOSSES = {
    "cross_entropy": "cross entropy",
    "dice+cross_entropy": "Dice and cross entropy",
    "generalized_dice": "generalised Dice",
    "focal": "focal: hard voxels first",
}
SCHEDULES = {"cosine": "rate falls to the end", "constant": "rate stays"}
TEACHERS = {"latest": "as it is now", "first": "as it was given"}


class RefineView(Step):
    """Loss, rate, ends; Refine and Stop; the curve.

    Signals
    -------
    refine_asked, stop_asked
        The buttons.
    preview_asked(bool)
        The box in the header.
    """

    refine_asked = Signal()
    stop_asked = Signal()
    preview_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__(3, "Refine", "The network learns from painted places in the background; go on painting.")
        self.preview = QCheckBox("Preview")
        self.preview.setObjectName("preview")
        self.preview.setToolTip(
            "Show what the network says of the middle of the view, in a layer that follows the view and the refinement."
        )
        self.preview.toggled.connect(self.preview_asked)
        self.header.addWidget(self.preview)
        self._make_settings()
        self._make_rare()
        self.disclosure = Disclosure("More", self.rare)
        self.disclosure.setObjectName("disclosure")
        self.refine = _button("refine", "Refine", "Learn from what is painted; new strokes count at once.")
        self.refine.setProperty("main", True)
        self.refine.clicked.connect(lambda _: self.refine_asked.emit())
        self.stop = _button("stop", "Stop", "End after this update and keep the best weights so far.")
        self.stop.clicked.connect(lambda _: self.stop_asked.emit())
        self.progress = ProgressLine()
        self.progress.setObjectName("refineProgress")
        self.done, self.left = label("", "muted"), label("", "muted")
        self.losses = LossPlot()
        self._lay_out()

    def values(self) -> dict[str, Any]:
        """Return what is chosen as fields of `RefineSettings`, not yet checked."""
        size = self.patch.value()
        return {
            "loss": self.loss.currentData(),
            "learning_rate": self.rate.text().strip(),
            "schedule": self.schedule.currentData(),
            "seconds": 60 * self.minutes.value() or None,
            "steps": self.steps.value() or None,
            "rehearsal": self.rehearsal.value(),
            "teacher": self.teacher.currentData(),
            **({"patch_size": size} if size else {}),
        }

    def show_phase(self, *, ready: bool, busy: bool, stopping: bool) -> None:
        """Enable the buttons that make sense now."""
        self.refine.setEnabled(ready and not busy)
        self.stop.setEnabled(busy and not stopping)

    def show_progress(self, share: float, done: str, left: str) -> None:
        """Show the share that is over, and two words about it."""
        self.progress.show_value(round(1000 * share), 1000)
        self.done.setText(done)
        self.left.setText(left)

    def _make_settings(self) -> None:
        self.loss = Choice(
            "loss",
            LOSSES,
            "What is minimised on painted voxels. The boundary loss needs whole labels: it is for the command train.",
        )
        self.rate = QLineEdit("0.001")
        self.rate.setObjectName("learningRate")
        self.rate.setToolTip("Learning rate of AdamW. Larger learns faster and forgets faster.")
        self.schedule = Choice("rateSchedule", SCHEDULES, "How the learning rate goes on; falling needs an end.")
        self.minutes = QDoubleSpinBox()
        self.minutes.setObjectName("minutes")
        self.minutes.setRange(0, 24 * 60)
        self.minutes.setDecimals(1)
        self.minutes.setSingleStep(0.5)
        self.minutes.setValue(2)
        self.minutes.setSuffix(" min")
        self.minutes.setSpecialValueText("until Stop")
        self.minutes.setToolTip("When it ends by itself.")
        self.rehearsal = QDoubleSpinBox()
        self.rehearsal.setObjectName("rehearsal")
        self.rehearsal.setRange(0, 10)
        self.rehearsal.setSingleStep(0.1)
        self.rehearsal.setValue(0.2)
        self.rehearsal.setSpecialValueText("none")
        self.rehearsal.setToolTip(
            "Weight of what the network said before where nobody has painted: it must not forget what was right."
        )

    def _make_rare(self) -> None:
        self.steps = _spin("steps", 10**7, "no limit", "Updates after which it ends.")
        self.patch = _spin("learnPatch", 512, "chosen", "Voxels along each axis of a patch that is learnt from.")
        self.teacher = Choice("teacher", TEACHERS, "Whose answers are rehearsed.")
        self.rare = QWidget()
        rows = named_rows({"Updates": self.steps, "Patch": self.patch, "Rehearse": self.teacher})
        rows.setContentsMargins(0, 0, 0, 0)
        self.rare.setLayout(rows)

    def _lay_out(self) -> None:
        rows = {
            "Loss": self.loss,
            "Rate": beside(self.schedule, self.rate),
            "Ends": self.minutes,
            "Rehearsal": self.rehearsal,
        }
        self.rate.setMaximumWidth(90)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.refine, 2)
        buttons.addWidget(self.stop, 1)
        line = QHBoxLayout()
        line.addWidget(self.done)
        line.addStretch(1)
        line.addWidget(self.left)
        self.body.addLayout(named_rows(rows))
        self.body.addWidget(self.disclosure)
        self.body.addWidget(self.rare)
        self.body.addLayout(buttons)
        self.body.addWidget(self.progress)
        self.body.addLayout(line)
        self.body.addWidget(self.losses)


def _button(name: str, text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tooltip)
    return button


def _spin(name: str, most: int, nothing: str, tooltip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setObjectName(name)
    spin.setRange(0, most)
    spin.setSpecialValueText(nothing)
    spin.setToolTip(tooltip)
    return spin
