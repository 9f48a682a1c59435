"""Step 2: how smooth and how detailed surfaces are, and a preview of it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QSlider, QSpinBox

from napari_seamless._qt.mesh.detail import MOST, default_position
from napari_seamless._qt.mesh.rows import Rows
from napari_seamless._qt.views.step import Step, beside, label

SMOOTHING = 16
"""Iterations for labels."""
_SHOWN_WIDTH = 86


class ShapeView(Step):
    """Smoothing, largest error, limits, and a tick for the preview.

    Signals
    -------
    changed
        A choice was made.
    preview_asked(bool)
        The preview was switched on or off.
    """

    changed = Signal()
    preview_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__(2, "Shape", "How surfaces are smoothed, simplified and cleaned.")
        self.smoothing = QSpinBox()
        self.smoothing.setObjectName("meshSmoothing")
        self.smoothing.setRange(0, 200)
        self.smoothing.setSpecialValueText("off")
        self.smoothing.setSuffix(" iterations")
        self.smoothing.setValue(SMOOTHING)
        self.smoothing.setToolTip("Iterations that take the stairs of voxels off; volumes are kept. 0 is off.")
        self.smoothing.valueChanged.connect(self._on_change)
        self.detail = QSlider(Qt.Orientation.Horizontal)
        self.detail.setObjectName("meshDetail")
        self.detail.setRange(0, MOST)
        self.detail.setValue(default_position())
        self.detail.setToolTip("How far simplification may move a surface; to the right: less, and then not at all.")
        self.detail.valueChanged.connect(self._on_change)
        self.error = label("", "muted")
        self.error.setFixedWidth(_SHOWN_WIDTH)
        self.error.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.triangles = self._line(
            "meshTriangles",
            "any number",
            "Triangles that each surface may have, at most; a preview of a part leaves this out.",
        )
        self.volume = self._line("meshMinVolume", "keep all", "Parts that enclose less are dropped.")
        self.fill = self._tick("meshFill", "Fill cavities", "Drop surfaces that lie inside an object.", on=False)
        self.closed = self._tick(
            "meshClosed", "Close at the border", "Close surfaces where objects reach the border of the volume.", on=True
        )
        rows = Rows()
        rows.add("Smooth", self.smoothing)
        rows.add("Detail", beside(self.detail, self.error))
        rows.add("Triangles", self.triangles)
        rows.add("Drop parts", self.volume)
        self.body.addLayout(rows)
        ticks = QHBoxLayout()
        ticks.addWidget(self.fill)
        ticks.addWidget(self.closed)
        ticks.addStretch(1)
        self.body.addLayout(ticks)
        self._add_preview()

    def show_error(self, text: str) -> None:
        """Show the largest error that the slider allows."""
        self.error.setText(text)

    def show_unit(self, unit: str) -> None:
        """Say the unit of volumes."""
        self.volume.setPlaceholderText(f"below a volume in {unit}" if unit else "below a volume")

    def show_preview(self, text: str) -> None:
        """Say what the preview has found."""
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def show_smoothing(self, iterations: int) -> None:
        """Set the iterations without telling."""
        self.smoothing.blockSignals(True)
        self.smoothing.setValue(iterations)
        self.smoothing.blockSignals(False)

    def _add_preview(self) -> None:
        self.preview = QCheckBox("Preview")
        self.preview.setObjectName("meshPreview")
        self.preview.setChecked(True)
        self.preview.setToolTip("Make the surfaces in the middle of the view whenever something changes; drawn in 3D.")
        self.preview.toggled.connect(self.preview_asked)
        self.header.addWidget(self.preview)
        self.told = QLabel()
        self.told.setObjectName("muted")
        self.told.setWordWrap(True)
        self.told.setVisible(False)
        self.body.addWidget(self.told)

    def _on_change(self, *_: object) -> None:
        self.changed.emit()

    def _line(self, name: str, placeholder: str, tooltip: str) -> QLineEdit:
        line = QLineEdit()
        line.setObjectName(name)
        line.setPlaceholderText(placeholder)
        line.setToolTip(tooltip)
        line.textChanged.connect(self._on_change)
        return line

    def _tick(self, name: str, text: str, tooltip: str, *, on: bool) -> QCheckBox:
        box = QCheckBox(text)
        box.setObjectName(name)
        box.setToolTip(tooltip)
        box.setChecked(on)
        box.toggled.connect(self._on_change)
        return box
