"""What the dock of distance maps knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psygnal import evented

from napari_seamless._qt.state import Message, Phase, Severity
from napari_seamless._qt.worker import Worker
from napari_seamless.types import Volume


@evented
@dataclass
class DistanceState:
    """The choices made so far; ``state.events.NAME`` tells of every change.

    Parameters
    ----------
    layer : napari.layers.Layer or None
        Shows the labels.
    volume : Volume or None
        The labels, once they are known to be some.
    names : mapping of int to str
        Labels that are known, with their names where they have some.
    phase : Phase
        Whether maps are being computed.
    message : Message
        What the message line says.
    """

    layer: Any = None
    volume: Volume | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    phase: Phase = Phase.IDLE
    message: Message = field(default_factory=Message)

    def say(self, text: str, severity: Severity = "info") -> None:
        """Put one sentence into the message line."""
        self.message = Message(text, severity)


@dataclass(frozen=True, slots=True)
class DistanceParts:
    """What the controllers of this dock share."""

    state: DistanceState
    worker: Worker
