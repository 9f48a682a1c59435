"""Step 3: how the volume is cut into patches, and what becomes of the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QSlider, QWidget

from napari_seamless._qt.views.choices import BORDERS, WINDOWS
from napari_seamless._qt.views.output_edit import OutputEdit
from napari_seamless._qt.views.patch_edit import PatchEdit
from napari_seamless._qt.views.rare_settings import RareSettings
from napari_seamless._qt.views.step import Choice, Disclosure, Step, beside, label, named_rows

_WRITE = {"labels": "labels", "probabilities": "probabilities"}
_TYPES = {"float32": "in 32 bits", "float16": "in 16 bits", "uint8": "in 8 bits"}


class TilingView(Step):
    """Patch size, overlap, border mode, window, and where the output goes.

    Signals
    -------
    setting_changed(str, object)
        A field of the settings and its new value.
    """

    setting_changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__(3, "Tiling", "Larger patches and more overlap give smoother results and take longer.")
        self.patch = PatchEdit()
        self.patch.changed.connect(lambda value: self.setting_changed.emit("patch_size", value))
        self.border = Choice("border", BORDERS, "What happens where the grid of patches does not fit the volume.")
        self.window = Choice("window", WINDOWS, "How overlapping patches are weighted where they meet.")
        self.write = Choice("write", _WRITE, "One class per voxel, or the probability of every class.")
        self.stored = Choice(
            "stored",
            _TYPES,
            "How a probability is stored: 32 bits keep 7 digits, 16 bits 3, and 8 bits steps of 1/255 (0 to 1 only).",
        )
        for field, choice in self._choices().items():
            choice.chosen.connect(lambda value, name=field: self.setting_changed.emit(name, value))
        self.output = OutputEdit()
        self.rare = RareSettings()
        self.rare.setting_changed.connect(self.setting_changed)
        self.rare.setObjectName("rareSettings")
        self.disclosure = Disclosure("More settings", self.rare)
        self._lay_out()

    def show_settings(self, values: Mapping[str, Any]) -> None:
        """Show settings without emitting."""
        self.patch.show_value(values["patch_size"])
        overlap = values["overlap"]
        self.slider.blockSignals(True)
        self.slider.setValue(round(100 * (overlap if isinstance(overlap, float | int) else max(overlap))))
        self.slider.blockSignals(False)
        self._say_overlap(self.slider.value())
        for field, choice in self._choices().items():
            choice.show_value(values[field])
        self.stored.setVisible(values["write"] != "labels")
        self.rare.show_settings(values)

    def show_step(self, text: str) -> None:
        """Show the step in voxels beside the overlap."""
        self.step.setText(text)

    def _choices(self) -> dict[str, Choice]:
        """Return what is chosen from a list, by the field of the settings."""
        return {
            "border": self.border,
            "window": self.window,
            "write": self.write,
            "probability_dtype": self.stored,
        }

    def _lay_out(self) -> None:
        rows = {
            "Patch": self.patch,
            "Overlap": self._overlap_row(),
            "Border": self.border,
            "Window": self.window,
            "Write": beside(self.write, self.stored),
            "Save to": self.output,
        }
        self.body.addLayout(named_rows(rows))
        self.body.addWidget(self.disclosure)
        self.body.addWidget(self.rare)

    def _overlap_row(self) -> QWidget:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("overlap")
        self.slider.setRange(0, 95)
        self.slider.setSingleStep(1)
        self.slider.setPageStep(5)
        self.slider.setToolTip(
            "Overlap = 1 - step / patch. At 0 patches only touch; at 0.5 each voxel is seen 8 times in 3D."
        )
        self.slider.valueChanged.connect(self._emit_overlap)
        self.overlap = QLabel()
        self.overlap.setFixedWidth(30)
        self.step = label("", "muted")
        self.step.setToolTip("Distance between neighbouring patches in voxels.")
        return beside(self.slider, self.overlap, self.step)

    def _emit_overlap(self, percent: int) -> None:
        self._say_overlap(percent)
        self.setting_changed.emit("overlap", percent / 100)

    def _say_overlap(self, percent: int) -> None:
        self.overlap.setText(f"{percent / 100:.2f}")
