"""Everything a person can choose about a refinement."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from napari_seamless.errors import SettingsError
from napari_seamless.recipe import PerAxisInt  # noqa: TC001  pydantic reads it at run time

LearningSchedule = Literal["constant", "cosine"]
Teacher = Literal["latest", "first"]


class RefineSettings(BaseModel):
    """How a network learns from corrections; frozen, and unknown names are refused.

    Parameters
    ----------
    loss : str
        Names of `napari_seamless.training.losses.LOSSES` joined by a plus. Not ``boundary``: see `Refiner`.
    learning_rate : float
        Of AdamW.
    schedule : {"constant", "cosine"}
        The learning rate stays, or falls to a hundredth along a half cosine until the last step or second.
    steps : int or None
        Updates after which it ends; None for no end but `seconds` and Stop.
    seconds : float or None
        Time after which it ends.
    patch_size : int or tuple of int or None
        Voxels of a patch; None takes the network's own, or 48 per axis. At most the volume.
    batch_size : int
        Painted patches for each update.
    border : float
        Part of the patch at each of its sides where painted voxels do not train, because the network sees too little
        around them; the volume's own border counts. In [0, 0.5).
    rehearsal : float
        Weight of the loss on what the network said before, in patches where nobody has painted; 0 for none.
    teacher : {"latest", "first"}
        Whose answers are rehearsed: the network's at the start of this refinement, which has been looked at and
        corrected, or those of the network as it was given.
    confidence : float
        Least probability of the teacher's class for a voxel to be rehearsed.
    rehearsal_patches : int
        Patches that are rehearsed in turn.
    rehearsal_every : int
        Updates from one rehearsal to the next; its loss weighs as many times more.
    channel : int or None
        Use only this channel of the volume.
    device : str
        ``"auto"`` or a torch device.
    threads : int or None
        Torch threads on a CPU. None: half of them, so that previews and the window have the others.
    seed : int
        Of the patches that are drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: str = "cross_entropy"
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    schedule: LearningSchedule = "constant"
    steps: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0)
    patch_size: PerAxisInt | None = None
    batch_size: int = Field(default=1, ge=1)
    border: float = Field(default=0.125, ge=0, lt=0.5)
    rehearsal: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    teacher: Teacher = "latest"
    confidence: float = Field(default=0.9, ge=0, le=1)
    rehearsal_patches: int = Field(default=16, ge=1)
    rehearsal_every: int = Field(default=2, ge=1)
    channel: int | None = Field(default=None, ge=0)
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    seed: int = 0

    @field_validator("loss")
    @classmethod
    def _loss_of_partial_labels(cls, value: str) -> str:
        if "boundary" in value:
            raise ValueError(
                "loss cannot be boundary where only some voxels are painted, for their distance to a boundary is not "
                "known; try dice+cross_entropy, or train on whole labels"
            )
        return value

    def share_done(self, step: int, seconds: float) -> float:
        """Return how much of the steps or the seconds is over, 0 to 1; 0 where neither is limited."""
        shares = [0.0]
        if self.steps is not None:
            shares.append(step / self.steps)
        if self.seconds is not None:
            shares.append(seconds / self.seconds)
        return min(1.0, max(shares))


def make_refine_settings(**values: Any) -> RefineSettings:
    """Build settings, turning every refusal into one sentence.

    Raises
    ------
    SettingsError
        A name is unknown or a value is out of range.

    Examples
    --------
    >>> make_refine_settings(steps=20).rehearsal
    0.2
    """
    try:
        return RefineSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        if first["type"] == "extra_forbidden":
            text = f"{name} is not a setting; the settings are {', '.join(RefineSettings.model_fields)}"
        elif first["type"] == "value_error":
            text = first["msg"].removeprefix("Value error, ")
        else:
            text = f"{name}: {first['msg'][0].lower()}{first['msg'][1:]}, got {first.get('input')!r}"
        raise SettingsError(f"{text}.") from None
