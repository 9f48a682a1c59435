"""Where maps are saved."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLineEdit, QToolButton, QVBoxLayout, QWidget

from napari_seamless._qt.views.browse import choose_output
from napari_seamless._qt.views.step import beside


class SaveEdit(QWidget):
    """A path, or nothing for memory, and a tick to replace what is there.

    Signals
    -------
    path_changed(str)
        The path; empty for memory.
    """

    path_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.path = QLineEdit()
        self.path.setObjectName("distancePath")
        self.path.setPlaceholderText("memory")
        self.path.setToolTip("Folder of an OME-Zarr, one channel for each class. Empty: keep the maps in memory.")
        self.path.setClearButtonEnabled(True)
        self.path.textChanged.connect(lambda text: self.path_changed.emit(text.strip()))
        self.overwrite = QCheckBox("Overwrite")
        self.overwrite.setObjectName("distanceOverwrite")
        self.overwrite.setToolTip("Replace the map that is there; it stays until the new one is complete.")
        self.overwrite.setVisible(False)
        browse = QToolButton()
        browse.setObjectName("distanceBrowse")
        browse.setText("Browse")
        browse.clicked.connect(self._browse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(beside(self.path, browse))
        column.addWidget(self.overwrite)

    def show_path(self, path: str) -> None:
        """Show a path, its end in sight."""
        self.path.setText(path)

    def show_taken(self, *, taken: bool) -> None:
        """Offer to overwrite where something is there."""
        if not taken:
            self.overwrite.setChecked(False)
        self.overwrite.setVisible(taken)

    def _browse(self) -> None:
        if path := choose_output(self, "Save the distance maps to"):
            self.path.setText(path)
