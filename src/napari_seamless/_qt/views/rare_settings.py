"""Settings that most runs leave alone: device, batch, memory, chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLineEdit, QSpinBox, QWidget

from napari_seamless._qt.views.step import Choice, label


class RareSettings(QWidget):
    """Device, patches per forward pass, memory budget and output chunk.

    Signals
    -------
    setting_changed(str, object)
        A field of the settings and its new value.
    """

    setting_changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.device = Choice("device", {"auto": "auto", "cpu": "cpu"}, "Auto takes a GPU where there is one.")
        self.device.chosen.connect(lambda value: self.setting_changed.emit("device", value))
        self.batch = QSpinBox()
        self.batch.setObjectName("batch")
        self.batch.setRange(0, 1024)
        self.batch.setSpecialValueText("auto")  # stands for 0
        self.batch.setKeyboardTracking(False)
        self.batch.setToolTip("Patches per forward pass. More keeps a GPU busier; auto measures how many pay.")
        self.batch.valueChanged.connect(lambda value: self.setting_changed.emit("batch_size", value or "auto"))
        self.memory = _line(
            "memoryBudget", "half of what is free", "Such as 500MB or 2GiB. What does not fit is put on disk."
        )
        self.memory.editingFinished.connect(lambda: self._emit_text("memory_budget", self.memory.text()))
        self.chunk = _line("chunk", "64", "Output chunk in voxels per axis: what is written to the store at once.")
        self.chunk.editingFinished.connect(lambda: self._emit_number("chunk_size", self.chunk.text()))
        self._lay_out()

    def set_devices(self, devices: Sequence[str]) -> None:
        """List the devices of this machine beside ``auto``."""
        for device in devices:
            if self.device.findData(device) < 0:
                self.device.addItem(device, device)

    def show_settings(self, values: Mapping[str, Any]) -> None:
        """Show settings without emitting."""
        self.set_devices([values["device"]])
        self.device.show_value(values["device"])
        self.batch.blockSignals(True)
        self.batch.setValue(0 if values["batch_size"] == "auto" else values["batch_size"])
        self.batch.blockSignals(False)
        for line, field in ((self.memory, "memory_budget"), (self.chunk, "chunk_size")):
            line.setText("" if values[field] is None else str(values[field]))

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows = {"Device": self.device, "Batch": self.batch, "Memory": self.memory, "Chunk": self.chunk}
        for row, (name, widget) in enumerate(rows.items()):
            grid.addWidget(label(name, "factName"), row, 0)
            grid.addWidget(widget, row, 1)

    def _emit_text(self, field: str, text: str) -> None:
        self.setting_changed.emit(field, text.strip() or None)

    def _emit_number(self, field: str, text: str) -> None:
        text = text.strip()
        self.setting_changed.emit(field, int(text) if text.isdecimal() else text or None)


def _line(name: str, placeholder: str, tooltip: str) -> QLineEdit:
    line = QLineEdit()
    line.setObjectName(name)
    line.setPlaceholderText(placeholder)
    line.setToolTip(tooltip)
    return line
