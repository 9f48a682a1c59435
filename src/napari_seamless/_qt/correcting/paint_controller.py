"""Gives a person napari's brush on the corrections, and says what is painted and whether it is saved."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_seamless._napari.corrections_layer import CorrectionsLayer, PaintedData
from napari_seamless._qt.correcting.paint_view import ERASER, PaintView
from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.correcting.session import Session
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless.errors import SeamlessError

LOOK_MS = 300
"""Between two looks at what is painted; a stroke sends hundreds of events."""


class PaintController(QObject):
    """Between `PaintView`, the layer of corrections and the painting.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: PaintView, parts: CorrectingParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts = viewer, view, parts
        self._correcting = parts.correcting
        self.layer: CorrectionsLayer | None = None
        self._session: Session | None = None
        self._counted = -1
        self._counting = False
        self._failed = False
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._redraw_soon = rest(self, 0, self._redraw)
        view.class_chosen.connect(lambda index: self._take(index + 1))
        view.eraser_chosen.connect(lambda: self._take(0))
        self._correcting.events.session.connect(self._on_session)

    def close(self) -> None:
        """Stop looking; the layer stays, and can be painted on only where its painting could not be closed."""
        self._timer.stop()
        self._redraw_soon.stop()
        self._let_go()

    def _on_session(self, *_: object) -> None:
        self._let_go()
        self._session = session = self._correcting.session
        self._counted = -1
        self._view.set_remark("")
        if session is None:
            self._view.show_classes((), ())
            self._timer.stop()
            return
        self._view.show_classes(session.classes, session.colors)
        data = PaintedData(session.painting, self._on_refused)
        self._remove_old(str(session.painting.folder))
        self.layer = CorrectionsLayer(self._viewer, session.volume, data, session.classes, session.colors)
        for event in self._tool_events():
            event.connect(self._show_tool)
        self._show_tool()
        self._look()
        self._timer.start()

    def _take(self, value: int) -> None:
        if self.layer is not None:
            self.layer.take(value)
            self._show_tool()

    def _show_tool(self, *_: object) -> None:
        layer = None if self.layer is None else self.layer.layer
        if layer is None or layer.mode not in {"paint", "fill", "polygon", "erase"}:
            self._view.show_tool(None)
        elif layer.mode == "erase":
            self._view.show_tool(ERASER)
        else:
            self._view.show_tool(int(layer.selected_label) - 1)

    def _on_refused(self, error: SeamlessError) -> None:
        """Say why a stroke is not kept, and draw what is; napari is still in the middle of it."""
        self._parts.state.say(str(error), "error")
        self._redraw_soon.start()

    def _redraw(self) -> None:
        if self.layer is not None and self.layer.is_there:
            self.layer.layer.refresh()

    def _look(self) -> None:
        """Say whether everything is saved, and count what is painted where that has changed."""
        session = self._session
        if session is None:
            return
        painting = session.painting
        failed = painting.failure is not None
        self._view.set_remark("not saved" if failed else "saving …" if painting.n_unsaved else "saved")
        if self._failed and not failed:
            self._parts.state.say("Everything painted is saved now.", "done")
        self._failed = failed
        if painting.version != self._counted and not self._counting:
            self._counting, version = True, painting.version
            self._parts.worker.start(
                lambda: painting.n_painted,
                lambda counts: self._on_counted(session, version, counts),
                self._on_not_counted,
                name="count",
            )

    def _on_counted(self, session: Session, version: int, counts: dict[int, int]) -> None:
        self._counting = False
        if session is self._session:
            self._counted = version
            self._view.show_counts(counts)

    def _on_not_counted(self, error: Exception) -> None:
        self._counting = False
        self._timer.stop()
        self._parts.state.say(sentence(error), "error")

    def _let_go(self) -> None:
        if self.layer is None or self._session is None:
            return
        for event in self._tool_events():
            event.disconnect(self._show_tool)
        self.layer.let_go(closed=self._session.painting.is_closed)
        self.layer = self._session = None

    def _tool_events(self) -> tuple[Any, ...]:
        events = [] if self.layer is None else [self.layer.layer.events.mode, self.layer.layer.events.selected_label]
        return tuple(events)

    def _remove_old(self, folder: str) -> None:
        """Take out what an earlier opening of the same corrections has left."""
        layers = self._viewer.layers
        # a viewer that is handed to a plugin wraps its layers, but not their indices
        for index in reversed(range(len(layers))):
            if layers[index].metadata.get("napari-seamless corrections") == folder:
                layers.pop(index)
