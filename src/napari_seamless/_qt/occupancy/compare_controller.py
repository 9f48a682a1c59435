"""Keeps finished results of a volume, scores them, and hands them to the dock of meshes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from napari_seamless._napari.tuning_layers import is_there
from napari_seamless._qt import text
from napari_seamless._qt.occupancy.agreement import dice
from napari_seamless._qt.occupancy.compare_view import CompareView
from napari_seamless._qt.occupancy.memory_watch import MemoryWatch
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.state import Phase


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A finished result.

    Parameters
    ----------
    network : str
        Kind and name of the network.
    seconds : float
        Wall time.
    growth : int
        Bytes by which the memory grew.
    layer : napari.layers.Labels
        Shows it.
    dice : float or None
        Score against the chosen labels.
    """

    network: str
    seconds: float
    growth: int
    layer: Any
    dice: float | None = None


class CompareController:
    """Between `CompareView`, the viewer's labels layers and the end of runs."""

    def __init__(self, viewer: Any, view: CompareView, parts: Parts) -> None:
        self._viewer, self._view, self._state, self._worker = viewer, view, parts.state, parts.worker
        self._rows: list[Row] = []
        self._truth: Any = None
        self._generation = 0
        self._memory = MemoryWatch(view)
        view.truth_chosen.connect(self._on_truth)
        view.mesh_asked.connect(self._mesh)
        parts.state.events.phase.connect(self._on_phase)
        parts.state.events.volume.connect(self._forget)
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.renamed)
        for event in self._events:
            event.connect(self._list)
        self._list()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The results, the oldest first."""
        return tuple(self._rows)

    def add(self, network: str, seconds: float, layer: Any) -> None:
        """Take a finished result."""
        self._memory.stop()
        self._rows.append(Row(network, seconds, self._memory.growth, layer))
        self._list()
        self._score()

    def close(self) -> None:
        """Stop listening to the viewer."""
        self._memory.stop()
        for event in self._events:
            event.disconnect(self._list)

    def _on_phase(self, phase: Phase) -> None:
        if phase is Phase.RUNNING and not self._memory_runs:
            self._memory.start()
        self._memory_runs = phase.busy

    _memory_runs = False

    def _forget(self, *_: object) -> None:
        self._rows = []
        self._show()

    def _list(self, *_: object) -> None:
        self._rows = [row for row in self._rows if is_there(self._viewer, row.layer)]
        if self._truth is not None and not is_there(self._viewer, self._truth):
            self._truth = None
        self._view.show_truths(
            {hash(layer): layer.name for layer in self._truths()}, None if self._truth is None else hash(self._truth)
        )
        self._show()

    def _truths(self) -> list[Any]:
        ours = [row.layer for row in self._rows]
        return [layer for layer in self._viewer.layers if layer._type_string == "labels" and layer not in ours]

    def _on_truth(self, key: object) -> None:
        self._truth = next((layer for layer in self._truths() if hash(layer) == key), None)
        self._score()

    def _score(self) -> None:
        self._generation += 1
        generation = self._generation
        self._rows = [replace(row, dice=None) for row in self._rows]
        self._show()
        if self._truth is None or not self._rows:
            return
        truth, found = _finest(self._truth), [_finest(row.layer) for row in self._rows]
        self._worker.start(
            lambda: [dice(one, truth) for one in found],
            lambda scores: self._on_scores(generation, scores),
            lambda error: self._state.say(sentence(error), "error"),
            name="compare",
        )

    def _on_scores(self, generation: int, scores: list[float]) -> None:
        if generation == self._generation:
            self._rows = [replace(row, dice=score) for row, score in zip(self._rows, scores, strict=True)]
            self._show()

    def _show(self) -> None:
        self._view.show_rows(
            [
                (
                    row.network,
                    text.duration(row.seconds),
                    text.size(row.growth),
                    "–" if row.dice is None else f"{row.dice:.3f}",
                )
                for row in self._rows
            ]
        )

    def _mesh(self, number: int) -> None:
        """Open the dock of meshes with a result."""
        from napari_seamless._qt.mesh import MeshDock

        found = self._view.window().findChildren(MeshDock)
        dock = found[0] if found else None
        if dock is None:
            dock = MeshDock(self._viewer)
            self._viewer.window.add_dock_widget(dock, name="Meshes", area="right", tabify=True)
        dock.choose(self._rows[number].layer)


def _finest(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data
