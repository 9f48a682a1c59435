"""Step 3 for networks that answer coordinates: stages, thresholds, pooling, and where the output goes."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QLineEdit

from napari_seamless._qt.views.output_edit import OutputEdit
from napari_seamless._qt.views.step import Choice, Step, beside, label, named_rows


class OccupancyView(Step):
    """What a person can choose about the inference of an OSS-Net."""

    def __init__(self) -> None:
        super().__init__(3, "Coarse to fine", "Every few voxels first, then what lies near to what was found.")
        self.stages = QLineEdit("4, 2, 1")
        self.stages.setObjectName("stages")
        self.stages.setToolTip("Voxels between the points of each stage; each number divides the one before.")
        self.threshold = _share("occupancyThreshold", "Voxels whose occupancy exceeds it are inside.")
        self.low_on = QCheckBox("start above")
        self.low_on.setObjectName("lowResolution")
        self.low_on.setToolTip(
            "Start only where the network's own coarse answer exceeds this: quicker, and may miss parts."
        )
        self.low = _share("lowResolutionThreshold", "The publication takes 0.5.")
        self.low_on.toggled.connect(self.low.setEnabled)
        self.low_row = beside(self.low_on, self.low)
        self.pooling = Choice("pooling", {}, "How voxels of large patches are joined; the weights expect one of them.")
        self.without = label("", "muted")
        self.output = OutputEdit()
        for widget, name in ((self.output.path, "occupancyOutput"), (self.output.if_exists, "occupancyIfExists")):
            widget.setObjectName(name)
        # A run that ended is begun anew: what is coarse is not the start of what is fine.
        self.output.if_exists.removeItem(self.output.if_exists.findData("resume"))
        rows = {
            "Stages": self.stages,
            "Threshold": self.threshold,
            "Head": self.low_row,
            "Pooling": beside(self.pooling, self.without),
            "Save to": self.output,
        }
        self.body.addLayout(named_rows(rows))
        self.low.setEnabled(False)

    def show_network(self, *, has_head: bool, trained: str | None) -> None:
        """Offer what the network has; `trained` is the pooling of its weights, None without large patches."""
        self.low_on.setEnabled(has_head)
        self.low_on.setChecked(False)
        self.low_on.setText("start above" if has_head else "this network has none")
        self.low.setVisible(has_head)
        self.pooling.clear()
        self.pooling.setVisible(trained is not None)
        self.without.setText("" if trained else "this network has no large patches")
        self.without.setVisible(trained is None)
        for value in ("mean", "max") if trained else ():
            self.pooling.addItem(f"{value}: as trained" if value == trained else value, value)
        self.pooling.show_value(trained)

    def values(self) -> dict[str, Any]:
        """Return what was chosen, by the fields of `OccupancySettings`; stages as they were typed."""
        return {
            "stages": self.stages.text(),
            "threshold": self.threshold.value(),
            "low_resolution_threshold": self.low.value() if self.low_on.isChecked() else None,
            "large_patch_pooling": self.pooling.currentData(),
        }


def _share(name: str, tooltip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setToolTip(tooltip)
    box.setRange(0.0, 1.0)
    box.setDecimals(3)
    box.setSingleStep(0.05)
    box.setValue(0.5)
    return box
