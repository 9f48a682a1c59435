"""The patch size: one number for every axis, or one each."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QWidget

LARGEST = 4096


class PatchEdit(QWidget):
    """One spin box, or one per axis where the box is ticked.

    Signals
    -------
    changed(object)
        An int, or a tuple of ints in the order of the axes.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(5)
        self.per_axis = QCheckBox("per axis")
        self.per_axis.setObjectName("perAxis")
        self.per_axis.setToolTip("Choose another size along each axis, for example for voxels that are not cubes.")
        self.per_axis.toggled.connect(self._spread)
        self.per_axis.clicked.connect(lambda: self.changed.emit(self.value()))
        self.spins: list[QSpinBox] = []
        self._row.addStretch(1)
        self._row.addWidget(self.per_axis)
        self.set_axes(("z", "y", "x"))

    def set_axes(self, axes: Sequence[str]) -> None:
        """Offer one spin box per axis, keeping the values."""
        for spin in self.spins[len(axes) :]:
            self._row.removeWidget(spin)
            spin.deleteLater()
        del self.spins[len(axes) :]
        while len(self.spins) < len(axes):
            self._add_spin()
        for spin, axis in zip(self.spins, axes, strict=True):
            spin.setToolTip(f"Patch size along {axis} in voxels: what the network sees at once.")
        self._spread(self.per_axis.isChecked())

    def value(self) -> int | tuple[int, ...]:
        """Return what the spin boxes say."""
        if self.per_axis.isChecked():
            return tuple(spin.value() for spin in self.spins)
        return self.spins[0].value()

    def show_value(self, value: int | Sequence[int]) -> None:
        """Show a size without emitting."""
        if isinstance(value, int):
            values: Sequence[int] = [value] * len(self.spins)
        else:
            values = value
            self.per_axis.setChecked(True)
        for spin, number in zip(self.spins, values, strict=False):
            spin.blockSignals(True)
            spin.setValue(number)
            spin.blockSignals(False)

    def _add_spin(self) -> None:
        spin = QSpinBox()
        spin.setObjectName(f"patch{len(self.spins)}")
        spin.setRange(1, LARGEST)
        spin.setSingleStep(8)
        spin.setKeyboardTracking(False)
        spin.setValue(self.spins[0].value() if self.spins else 64)
        spin.valueChanged.connect(lambda _: self.changed.emit(self.value()))
        self._row.insertWidget(len(self.spins), spin)
        self.spins.append(spin)

    def _spread(self, per_axis: bool) -> None:
        for spin in self.spins[1:]:
            spin.setVisible(per_axis)
            if not per_axis:
                spin.blockSignals(True)
                spin.setValue(self.spins[0].value())
                spin.blockSignals(False)
