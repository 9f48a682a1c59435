"""Work that waits until a person has stopped moving things."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer


def rest(parent: QObject, milliseconds: int, work: object) -> QTimer:
    """Return a timer that fires once, after a rest."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(work)
    return timer
