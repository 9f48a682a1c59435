"""Step 2: the setting that is looked at."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QSlider

from napari_seamless._qt.views.choices import BORDERS, WINDOWS
from napari_seamless._qt.views.patch_edit import PatchEdit
from napari_seamless._qt.views.step import Choice, Step, beside, named_rows
from napari_seamless._qt.views.tiles import Tiles
from napari_seamless.engine.tuning import Candidate

_BORDERS = {"edge": BORDERS["edge"], **BORDERS}
"""Edge first: only there do the patches of all overlaps lie on one lattice."""
_TILES = {
    "dice": ("Dice", "Mean over the classes, against the reference; without one, agreement with the densest overlap."),
    "time": ("time", "Predicted for the whole volume from the times of this region."),
    "patches": ("patches", "Of a run over the whole volume."),
    "seam": ("seam", "How far overlapping patches are apart, on average where they overlap."),
}
SLIDER_STEP = 5


class SettingView(Step):
    """Patch size, overlap, window and border mode, with what they cost; hands them on, or keeps them to compare.

    Signals
    -------
    changed
        A person moved something.
    use_asked, keep_asked, compare_asked(bool)
        The buttons.
    """

    changed = Signal()
    use_asked = Signal()
    keep_asked = Signal()
    compare_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__(2, "Setting", "Moving these redraws the region from what was evaluated.")
        self.grid = QCheckBox("Patch grid")
        self.grid.setObjectName("patchGrid")
        self.grid.setToolTip(
            "Draw the patches over the region, shaded where they overlap; the one under the cursor is framed."
        )
        self.header.addWidget(self.grid)
        self.patch = PatchEdit()
        self.patch.changed.connect(lambda _: self.changed.emit())
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("tuneOverlap")
        self.slider.setRange(0, 90 // SLIDER_STEP)
        self.slider.setPageStep(25 // SLIDER_STEP)
        self.slider.setTickInterval(25 // SLIDER_STEP)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setToolTip(
            "Overlap = 1 - step / patch. At 0, 0.25, 0.5 and 0.75 with the border mode edge every patch is there "
            "already; for other values the missing ones are evaluated in the background."
        )
        self.slider.valueChanged.connect(self._on_slider)
        self.overlap = QLabel()
        self.overlap.setFixedWidth(30)
        self.window = Choice("tuneWindow", WINDOWS, "How overlapping patches are weighted where they meet.")
        self.border = Choice("tuneBorder", _BORDERS, "What happens where the grid of patches does not fit the volume.")
        for choice in (self.window, self.border):
            choice.chosen.connect(lambda _: self.changed.emit())
        self.tiles = Tiles(_TILES)
        self.use = QPushButton("Use these settings")
        self.use.setObjectName("useSettings")
        self.use.setToolTip("Hand patch size, overlap, border mode and window to the dock that segments the volume.")
        self.use.clicked.connect(lambda _: self.use_asked.emit())
        self.keep = QPushButton("Keep as A")
        self.keep.setObjectName("keepA")
        self.keep.setToolTip("Remember this setting, to compare another one with it.")
        self.keep.clicked.connect(lambda _: self.keep_asked.emit())
        self.compare = QPushButton("Compare A/B")
        self.compare.setObjectName("compareAB")
        self.compare.setCheckable(True)
        self.compare.setToolTip("Show A and the setting above (B) in linked layers, and where they differ.")
        self.compare.toggled.connect(self.compare_asked)
        self._lay_out()
        self.show_candidate(Candidate((64,)))
        self.show_ready(ready=False, kept=False)

    def candidate(self) -> Candidate:
        """Return the setting."""
        size = self.patch.value()
        sizes = (size,) * len(self.patch.spins) if isinstance(size, int) else size
        overlap = self.slider.value() * SLIDER_STEP / 100
        return Candidate(sizes, overlap, self.border.currentData(), self.window.currentData())

    def show_candidate(self, candidate: Candidate) -> None:
        """Show a setting without emitting."""
        sizes, overlap = candidate.patch_size, candidate.overlap
        overlap = max(overlap) if isinstance(overlap, tuple) else overlap
        self.patch.show_value(sizes[0] if len(set(sizes)) == 1 else sizes)
        self.slider.blockSignals(True)
        self.slider.setValue(round(100 * overlap / SLIDER_STEP))
        self.slider.blockSignals(False)
        self.overlap.setText(f"{overlap:.2f}")
        self.window.show_value(candidate.shape.kind)
        self.border.show_value(candidate.border)

    def show_figures(self, texts: Mapping[str, str]) -> None:
        """Show what is known of the setting; a name that is left out gets a dash."""
        self.tiles.show_values(texts)

    def show_ready(self, *, ready: bool, kept: bool) -> None:
        """Enable what makes sense before and after something was evaluated, and after a setting was kept."""
        self.use.setEnabled(ready)
        self.keep.setEnabled(ready)
        self.compare.setEnabled(ready and kept)

    def _on_slider(self, value: int) -> None:
        self.overlap.setText(f"{value * SLIDER_STEP / 100:.2f}")
        self.changed.emit()

    def _lay_out(self) -> None:
        rows = {
            "Patch": self.patch,
            "Overlap": beside(self.slider, self.overlap),
            "Window": self.window,
            "Border": self.border,
        }
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.use, 2)
        buttons.addWidget(self.keep, 1)
        buttons.addWidget(self.compare, 1)
        self.body.addLayout(named_rows(rows))
        self.body.addWidget(self.tiles)
        self.body.addLayout(buttons)
