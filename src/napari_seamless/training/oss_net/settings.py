"""Settings of a training of occupancies: one frozen object for the Python call and the command line."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_seamless.errors import SettingsError
from napari_seamless.models.oss_net import SETTINGS
from napari_seamless.recipe import PerAxisInt, Precision  # noqa: TC001  pydantic reads annotations at run time
from napari_seamless.training.augmentation import Augmentation

RESIDUAL_UNET = "residual_unet"
"""The baseline that is no occupancy network."""

SHORT_NAMES = tuple(name.removesuffix("_lits") for name in SETTINGS if name.endswith("_lits"))
"""Settings without a data set: channels and latent grid follow from the volumes."""

HeldOutAxis = Literal["auto", "x", "y", "z", "none"]

_FREE_TO_CHANGE = frozenset({"device", "workers"})
"""What may be another when a training is resumed; epochs decide when the rate falls."""


_LEAST_FOR_STEPS = 5
"""Epochs below which the rate stays as it is, where no milestones are given."""


class OccupancyTrainingSettings(BaseModel):
    """Everything a person can choose about a training of occupancies; frozen, and unknown names are refused.

    Parameters
    ----------
    setting : str
        ``"oss_net_C1"`` and the other published settings with or without the data set they were made for, or
        ``"residual_unet"``. With the data set everything is as published; without it the channels are those of the
        image and the latent grid follows from `crop`.
    inside : tuple of int or None
        Labels that are inside, for one class; None for all above 0.
    classes : int
        1 for one occupancy; more for labels 0 (background) to ``classes - 1``.
    ignore_label : int or None
        Label of voxels that are not asked for, beside negative ones.
    epochs, samples_per_epoch, batch_size : int
        How long; volumes or crops of an epoch (None: as many as there are volumes, or 32 where crops are drawn); and
        of a step.
    coordinates : int
        Coordinates of each of them, at least 1.
    border_share : float
        Part of the coordinates from the border region, and of the crops around a border, 0..1.
    crop : int or tuple of int or None
        Voxels of what the network sees as a volume. None: the largest volume rounded up to what the encoder
        divides by, at most 128.
    encoder_channels, width, decoder_blocks
        Of the network, where they are to differ from the setting; for a residual U-Net the channels of its levels.
    dropout : float
        Share of features dropped, 0 to below 1.
    learning_rate, activation_rate : float
        Of RAdam, for weights and for the coefficients of activations.
    milestones : tuple of int or None
        Epochs after which both rates are multiplied by `rate_factor`; None: after 2/5 and 3/5 of the epochs.
    rate_factor : float
        Above 0, at most 1.
    lookahead_steps, lookahead_alpha
        See `Lookahead`.
    head_weight : float
        Weight of the loss of the low-resolution head, 0 or more.
    flips, brightness, noise
        See `Augmentation`.
    held_out : float
        Part of each volume that is never trained on, at the end of one axis, where no validation volumes are given.
    held_out_axis : {"auto", "z", "y", "x", "none"}
        That axis; auto takes the longest; none trains on everything and judges by it.
    validate_every : int
        Epochs between two evaluations; the last epoch always has one.
    validation_coordinates : int
        Coordinates of an evaluation in each crop, drawn evenly.
    precision : {"auto", "float32", "bfloat16", "float16"}
        auto: float16 on CUDA, which tells voxels up to 2048 apart, else float32.
    device : str
        ``"auto"``, or a torch device.
    workers : int
        Processes that read; 0 reads in this one.
    seed : int
        Of weights, crops, coordinates and changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting: str = "oss_net_C1"
    inside: tuple[int, ...] | None = None
    classes: int = Field(default=1, ge=1)
    ignore_label: int | None = None
    epochs: int = Field(default=50, ge=1)
    samples_per_epoch: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=8, ge=1)
    coordinates: int = Field(default=2**14, ge=1)
    border_share: float = Field(default=0.5, ge=0, le=1)
    crop: PerAxisInt | None = None
    encoder_channels: tuple[int, ...] | None = None
    width: int | None = Field(default=None, ge=1)
    decoder_blocks: int | None = Field(default=None, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    learning_rate: float = Field(default=3e-4, gt=0)
    activation_rate: float = Field(default=1e-2, gt=0)
    milestones: tuple[int, ...] | None = None
    rate_factor: float = Field(default=0.1, gt=0, le=1)
    lookahead_steps: int = Field(default=5, ge=1)
    lookahead_alpha: float = Field(default=0.8, gt=0, le=1)
    head_weight: float = Field(default=0.1, ge=0)
    flips: bool = True
    brightness: float = Field(default=0.1, ge=0)
    noise: float = Field(default=0.05, ge=0)
    held_out: float = Field(default=0.25, gt=0, lt=1)
    held_out_axis: HeldOutAxis = "auto"
    validate_every: int = Field(default=5, ge=1)
    validation_coordinates: int = Field(default=2**12, ge=1)
    precision: Precision = "auto"
    device: str = "auto"
    workers: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.setting not in {*SETTINGS, *SHORT_NAMES, RESIDUAL_UNET}:
            raise ValueError(f"setting must be one of {', '.join((*SHORT_NAMES, RESIDUAL_UNET))}, got {self.setting!r}")
        if self.inside is not None and (self.classes > 1 or not self.inside or min(self.inside) < 0):
            raise ValueError("inside must name labels of 0 or more, and goes with one class")
        return self

    @property
    def is_published(self) -> bool:
        """Whether the setting fixes channels and latent grid."""
        return self.setting in SETTINGS

    def augmentation(self) -> Augmentation:
        """Return what happens to a crop."""
        return Augmentation(
            flips=self.flips, rotations=False, brightness=self.brightness, contrast=0.0, noise=self.noise
        )

    def rate_share(self, epoch: int) -> float:
        """Return what the rates of an epoch, counted from 0, are multiplied by.

        Examples
        --------
        >>> [round(OccupancyTrainingSettings().rate_share(epoch), 2) for epoch in (0, 19, 20, 30)]
        [1.0, 1.0, 0.1, 0.01]
        """
        at = self.milestones
        if at is None:
            at = (2 * self.epochs // 5, 3 * self.epochs // 5) if self.epochs >= _LEAST_FOR_STEPS else ()
        return float(self.rate_factor ** sum(epoch >= milestone for milestone in at))

    def differences(self, other: OccupancyTrainingSettings) -> list[str]:
        """Name the settings that differ and decide what is learned."""
        names = type(self).model_fields
        return [n for n in names if n not in _FREE_TO_CHANGE and getattr(self, n) != getattr(other, n)]


def make_occupancy_settings(**values: Any) -> OccupancyTrainingSettings:
    """Build settings, turning every refusal into one sentence.

    Raises
    ------
    SettingsError
        A name is unknown or a value is out of range.

    Examples
    --------
    >>> make_occupancy_settings(setting="vanilla_o_net", crop=64).epochs
    50
    """
    try:
        return OccupancyTrainingSettings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        names = ", ".join(OccupancyTrainingSettings.model_fields)
        return f"{first['loc'][0]} is not a setting; the settings are {names}."
    if not first["loc"]:
        return f"{text}."
    return f"{first['loc'][0]}: {text[0].lower()}{text[1:]}, got {first.get('input')!r}."
