"""What the window knows: a small observable model that controllers change and listen to, and views never see."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from psygnal import evented

from napari_seamless.models.oss_net import OSSNet
from napari_seamless.recipe import RunSettings
from napari_seamless.types import Model, Volume

Severity = Literal["info", "done", "warning", "error"]
IfExists = Literal["stop", "overwrite", "resume"]


class Phase(Enum):
    """Where the window stands in a run."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"

    @property
    def busy(self) -> bool:
        """Whether a run is under way, paused or not."""
        return self is not Phase.IDLE


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for the message line; empty clears it."""

    text: str = ""
    severity: Severity = "info"


def default_values() -> dict[str, Any]:
    """Return every field of `RunSettings` with its default."""
    return RunSettings().model_dump()


@evented
@dataclass
class WindowState:
    """The choices made so far and the phase of the run; ``state.events.NAME`` tells of every change.

    Parameters
    ----------
    layer : napari.layers.Layer or None
        Shows the volume.
    volume, model : Volume, Model or None
        What will be segmented, and by what.
    occupancy : OSSNet or None
        The network where it is one that answers coordinates; there is no model then.
    values : dict
        Fields of `RunSettings`, not yet checked: people type in steps.
    output : Path or None
        Folder of the OME-Zarr; None keeps the result in memory.
    if_exists : {"stop", "overwrite", "resume"}
        What to do with an output that is there already.
    phase : Phase
        Where the run stands.
    message : Message
        What the message line says.
    """

    layer: Any = None
    volume: Volume | None = None
    model: Model | None = None
    occupancy: OSSNet | None = None
    values: dict[str, Any] = field(default_factory=default_values)
    output: Path | None = None
    if_exists: IfExists = "stop"
    phase: Phase = Phase.IDLE
    message: Message = field(default_factory=Message)

    def change(self, **values: Any) -> None:
        """Replace some settings, telling listeners once."""
        self.values = self.values | values

    def say(self, text: str, severity: Severity = "info") -> None:
        """Put one sentence into the message line."""
        self.message = Message(text, severity)
