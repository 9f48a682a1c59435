"""Settings that most runs leave alone: where and how the network computes, memory, storage, damage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLineEdit, QSpinBox, QWidget

from napari_seamless._qt.views.step import Choice, label

_PRECISIONS = {"auto": "auto", "float32": "32 bits", "bfloat16": "bfloat16", "float16": "float16"}
_FLIPS = {"none": "none", "all": "all axes"}
_DAMAGED = {"error": "stop", "fill": "fill"}

NARROWEST = 64
"""Pixels of a field where the dock is narrow."""


class RareSettings(QWidget):
    """Two columns of small fields.

    Signals
    -------
    setting_changed(str, object)
        A field of the settings and its new value.
    """

    setting_changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.device = Choice("device", {"auto": "auto", "cpu": "cpu"}, "Auto takes a GPU where there is one.")
        self.precision = Choice(
            "precision",
            _PRECISIONS,
            "Numbers that the network computes in. Auto takes 16 bits on a GPU, where that is faster; 16 bits are used "
            "only where they agree with 32 bits on the first batch.",
        )
        self.batch = _number(
            "batch", 1024, "Patches per forward pass. More keeps a GPU busier, where auto measures it."
        )
        self.threads = _number(
            "threads",
            256,
            "Processor threads of one forward pass. With 1, as many passes run at once as there are cores.",
        )
        self.flips = Choice(
            "flips",
            _FLIPS,
            "Average the network over mirrored patches. It often gets a little better and takes twice as long for each "
            "axis: 8 times in 3D.",
        )
        self.damaged = Choice(
            "damaged",
            _DAMAGED,
            "Where a piece of the input cannot be decoded: stop and name it, or fill it with the background value and "
            "tell at the end.",
        )
        self.memory = _line(
            "memoryBudget",
            "auto",
            "Such as 500MB or 2GiB; auto is half of what is free. The rest goes to disk.",
        )
        self.chunk = _line("chunk", "64", "Output chunk in voxels per axis: what is written to the store at once.")
        self._connect()
        self._lay_out()

    def set_devices(self, devices: Sequence[str]) -> None:
        """List the devices of this machine beside ``auto``."""
        _offer(self.device, {device: device for device in devices})

    def show_settings(self, values: Mapping[str, Any]) -> None:
        """Show settings without emitting."""
        self.set_devices([values["device"]])
        self.device.show_value(values["device"])
        self.precision.show_value(values["precision"])
        self.damaged.show_value(values["damaged_chunks"])
        flips = _flips_text(values["flips"])
        _offer(self.flips, {flips: flips})
        self.flips.show_value(flips)
        for spin, value in ((self.batch, values["batch_size"]), (self.threads, values["threads"])):
            spin.blockSignals(True)
            spin.setValue(0 if value in {None, "auto"} else value)
            spin.blockSignals(False)
        for line, field in ((self.memory, "memory_budget"), (self.chunk, "chunk_size")):
            line.setText("" if values[field] is None else str(values[field]))

    def set_axes(self, axes: Sequence[str]) -> None:
        """Offer to flip the axes of a slice alone, beside all axes and none."""
        plane = ",".join(axes[-2:])
        while self.flips.count() > len(_FLIPS):
            self.flips.removeItem(len(_FLIPS))
        if len(axes) > 2:
            self.flips.addItem(" and ".join(axes[-2:]), plane)

    def _connect(self) -> None:
        for choice, field in (
            (self.device, "device"),
            (self.precision, "precision"),
            (self.flips, "flips"),
            (self.damaged, "damaged_chunks"),
        ):
            choice.chosen.connect(lambda value, name=field: self.setting_changed.emit(name, value))
        self.batch.valueChanged.connect(lambda value: self.setting_changed.emit("batch_size", value or "auto"))
        self.threads.valueChanged.connect(lambda value: self.setting_changed.emit("threads", value or None))
        self.memory.editingFinished.connect(lambda: self._emit_text("memory_budget", self.memory.text()))
        self.chunk.editingFinished.connect(lambda: self._emit_number("chunk_size", self.chunk.text()))

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        rows = (
            (("Device", self.device), ("Precision", self.precision)),
            (("Batch", self.batch), ("Threads", self.threads)),
            (("Memory", self.memory), ("Chunk", self.chunk)),
            (("Flips", self.flips), ("Damaged", self.damaged)),
        )
        for row, fields in enumerate(rows):
            for pair, (name, widget) in enumerate(fields):
                widget.setMinimumWidth(NARROWEST)
                grid.addWidget(label(name, "factName"), row, 2 * pair)
                grid.addWidget(widget, row, 2 * pair + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)

    def _emit_text(self, field: str, text: str) -> None:
        self.setting_changed.emit(field, text.strip() or None)

    def _emit_number(self, field: str, text: str) -> None:
        text = text.strip()
        self.setting_changed.emit(field, int(text) if text.isdecimal() else text or None)


def _flips_text(flips: object) -> str:
    """Return flips in the words of the list: they may come as text, as a bool or as names of axes."""
    if isinstance(flips, str):
        return flips
    if isinstance(flips, tuple):
        return ",".join(flips)
    return "all" if flips else "none"


def _offer(choice: Choice, options: Mapping[str, str]) -> None:
    """List what is not listed yet."""
    for value, text in options.items():
        if choice.findData(value) < 0:
            choice.addItem(text, value)


def _number(name: str, largest: int, tooltip: str) -> QSpinBox:
    """Return a spin box in which 0 stands for auto."""
    spin = QSpinBox()
    spin.setObjectName(name)
    spin.setRange(0, largest)
    spin.setSpecialValueText("auto")
    # two of them share a line: there is no room for buttons
    spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    spin.setProperty("plain", "true")
    spin.setKeyboardTracking(False)
    spin.setToolTip(tooltip)
    return spin


def _line(name: str, placeholder: str, tooltip: str) -> QLineEdit:
    line = QLineEdit()
    line.setObjectName(name)
    line.setPlaceholderText(placeholder)
    line.setToolTip(tooltip)
    return line
