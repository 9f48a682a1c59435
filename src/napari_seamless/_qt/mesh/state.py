"""What the dock of meshes knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psygnal import evented

from napari_seamless._qt.state import Message, Phase, Severity
from napari_seamless._qt.worker import Worker
from napari_seamless.engine.mesh import Kind, MeasuredSurface
from napari_seamless.types import Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """Surfaces that were made.

    Parameters
    ----------
    surfaces : tuple of MeasuredSurface
        In rising order of labels.
    source : napari.layers.Layer
        What they were made of.
    volume : Volume
        Its voxels.
    affine : numpy.ndarray or None
        What the layer does to positions beyond spacing and translation.
    seconds : float
        How long it took.
    warnings : tuple of str
        What a person should know.
    """

    surfaces: tuple[MeasuredSurface, ...]
    source: Any
    volume: Volume
    affine: Any
    seconds: float
    warnings: tuple[str, ...]

    @property
    def unit(self) -> str | None:
        """Unit that all axes share."""
        units = set(self.volume.units)
        return units.pop() if len(units) == 1 else None


@evented
@dataclass
class MeshState:
    """The choices made so far; ``state.events.NAME`` tells of every change.

    Parameters
    ----------
    layer : napari.layers.Layer or None
        Shows the volume.
    volume : Volume or None
        What meshes are made of, once it is known that they can be.
    names : mapping of int to str
        Names of labels.
    kind : {"labels", "probabilities", "distance"}
        What the voxels are.
    made : Made or None
        Surfaces of the table.
    phase : Phase
        Whether something is being made or written.
    message : Message
        What the message line says.
    """

    layer: Any = None
    volume: Volume | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    kind: Kind = "labels"
    made: Made | None = None
    phase: Phase = Phase.IDLE
    message: Message = field(default_factory=Message)

    def say(self, text: str, severity: Severity = "info") -> None:
        """Put one sentence into the message line."""
        self.message = Message(text, severity)


@dataclass(frozen=True, slots=True)
class MeshParts:
    """What the controllers of this dock share."""

    state: MeshState
    worker: Worker
