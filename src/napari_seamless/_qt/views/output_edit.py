"""Where the result goes."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QWidget

from napari_seamless._qt.views.browse import choose_output
from napari_seamless._qt.views.step import Choice

_IF_EXISTS = {"stop": "stop if it exists", "overwrite": "overwrite", "resume": "resume"}


class OutputEdit(QWidget):
    """A path, or nothing for memory, and what to do with a path that is taken.

    Signals
    -------
    output_changed(str)
        The path; empty for memory.
    if_exists_changed(object)
        ``"stop"``, ``"overwrite"`` or ``"resume"``.
    """

    output_changed = Signal(str)
    if_exists_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.path = QLineEdit()
        self.path.setObjectName("outputPath")
        self.path.setPlaceholderText("memory")
        self.path.setToolTip(
            "Folder of an OME-Zarr, written chunk by chunk while the run goes on. Empty: keep the result in memory."
        )
        self.path.setClearButtonEnabled(True)
        self.path.textChanged.connect(self._on_text)
        browse = QToolButton()
        browse.setObjectName("outputBrowse")
        browse.setText("Browse")
        browse.clicked.connect(self._browse)
        self.if_exists = Choice(
            "ifExists",
            _IF_EXISTS,
            "What to do when the output is there already. Resume goes on with an unfinished run.",
        )
        self.if_exists.setVisible(False)
        self.if_exists.chosen.connect(self.if_exists_changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        row.addWidget(self.path, 1)
        row.addWidget(self.if_exists)
        row.addWidget(browse)

    def _on_text(self, text: str) -> None:
        self.if_exists.setVisible(bool(text.strip()))
        self.output_changed.emit(text.strip())

    def _browse(self) -> None:
        if path := choose_output(self, "Write the result to"):
            self.path.setText(path)
