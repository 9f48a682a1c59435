"""Settings of a training: one frozen object for the Python call and the command line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from napari_seamless.errors import SettingsError
from napari_seamless.models.unet import Norm  # noqa: TC001  pydantic reads annotations at run time
from napari_seamless.recipe import PerAxisInt, Precision  # noqa: TC001  the same
from napari_seamless.training.augmentation import Augmentation
from napari_seamless.training.dataset import PatchSettings
from napari_seamless.training.losses import make_loss
from napari_seamless.training.schedules import Schedule, ScheduleKind
from napari_seamless.types import Normalization

_FREE_TO_CHANGE = frozenset({"epochs", "device", "workers"})
"""What may be another when a training is resumed."""


def _names(value: object) -> object:
    """Turn names joined by commas, or a list, into a tuple."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(","))
    return tuple(value) if isinstance(value, list) else value


class TrainingSettings(BaseModel):
    """Everything a person can choose about a training; frozen, and unknown names are refused.

    Parameters
    ----------
    classes : tuple of str or None
        Name of each class by its label value, the background first. None: the names that the labels have, else as many
        classes as the largest label says.
    ignore_label : int or None
        Label of voxels that do not count, beside negative ones.
    epochs, patches_per_epoch, batch_size : int
        How long, how much between two checkpoints, and how many patches for each step.
    patch_size : int or tuple of int
        What the network sees at once, in voxels.
    loss : str
        Names joined by a plus, see `make_loss`.
    loss_classes : tuple of int or None
        Labels that losses of overlap and distance look at, rising; None for all but the background.
    schedule, schedule_start, schedule_step, schedule_cap
        Weights of region and boundary loss, see `Schedule`.
    learning_rate, weight_decay : float
        Of AdamW; the rate falls as ``(1 - epoch / epochs)^0.9``.
    channels : tuple of int
        Channels of the U-Net at each level, finest first.
    norm : {"instance", "group", "batch"}
        Normalisation inside the U-Net.
    class_share, border_share : float
        Parts of the patches that hold a voxel of a class drawn evenly, and a voxel at a border between classes.
    flips, rotations, brightness, contrast, noise
        See `Augmentation`.
    normalization : {"none", "minmax", "zscore"}
        Of the intensities, over each whole volume.
    validate_every : int
        Epochs between two segmentations of the validation volumes; the last epoch always has one.
    validation_overlap : float
        Overlap of the patches in them.
    performance_epochs : int
        Latest epochs whose errors by patch coordinate are stored with the network.
    precision : {"auto", "float32", "bfloat16", "float16"}
        Type that the network computes in; auto takes 16 bits on CUDA.
    device : str
        ``"auto"``, or a torch device.
    workers : int
        Processes that read patches; 0 reads them in this one.
    seed : int
        Of the first weights, the patches and their changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    ignore_label: int | None = None
    epochs: int = Field(default=100, ge=1)
    patches_per_epoch: int = Field(default=200, ge=1)
    batch_size: int = Field(default=2, ge=1)
    patch_size: PerAxisInt = 64
    loss: str = "cross_entropy+dice"
    loss_classes: tuple[int, ...] | None = None
    schedule: ScheduleKind = "rebalance"
    schedule_start: float = 0.01
    schedule_step: float = 0.01
    schedule_cap: float = 0.9
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    channels: tuple[int, ...] = (16, 32, 64)
    norm: Norm = "instance"
    class_share: float = 0.5
    border_share: float = 0.25
    flips: bool = True
    rotations: bool = True
    brightness: float = 0.1
    contrast: float = 0.1
    noise: float = 0.05
    normalization: Literal["none", "minmax", "zscore"] = "zscore"
    validate_every: int = Field(default=5, ge=1)
    validation_overlap: float = Field(default=0.25, ge=0, lt=1)
    performance_epochs: int = Field(default=3, ge=1)
    precision: Precision = "auto"
    device: str = "auto"
    workers: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)

    @field_validator("classes")
    @classmethod
    def _classes_named_once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (len(value) < 2 or len(set(value)) < len(value) or not all(value)):
            raise ValueError(f"classes must name the background and at least one more class, got {','.join(value)}")
        return value

    def patches(self, n_spatial: int) -> PatchSettings:
        """Return how patches with so many axes are drawn.

        Raises
        ------
        SettingsError
            The patch size has another number of axes, or the shares of patches do not fit each other.
        """
        size = self.patch_size if isinstance(self.patch_size, tuple) else (self.patch_size,) * n_spatial
        if len(size) != n_spatial:
            raise SettingsError(
                f"patch_size must be one number or one for each of {n_spatial} spatial axes, got {size}."
            )
        change = {name: getattr(self, name) for name in ("flips", "rotations", "brightness", "contrast", "noise")}
        return PatchSettings(
            patch_size=size,
            patches_per_epoch=self.patches_per_epoch,
            class_share=self.class_share,
            border_share=self.border_share,
            normalization=Normalization(kind=self.normalization),
            augmentation=Augmentation(**change),
            seed=self.seed,
        )

    def weights(self) -> Schedule:
        """Return the schedule of region and boundary loss."""
        return Schedule(kind=self.schedule, start=self.schedule_start, step=self.schedule_step, cap=self.schedule_cap)

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(self.learning_rate * (1 - min(epoch, self.epochs - 1) / self.epochs) ** 0.9)

    def differences(self, other: TrainingSettings) -> list[str]:
        """Name the settings that differ and decide what is learned."""
        names = type(self).model_fields
        return [n for n in names if n not in _FREE_TO_CHANGE and getattr(self, n) != getattr(other, n)]


def make_training_settings(**values: Any) -> TrainingSettings:
    """Build settings, turning every refusal into one sentence.

    Parameters
    ----------
    **values
        Fields of `TrainingSettings`.

    Raises
    ------
    SettingsError
        A name is unknown or a value is out of range.

    Examples
    --------
    >>> make_training_settings(patch_size=32, loss="dice+boundary").rate(0)
    0.001
    """
    try:
        settings = TrainingSettings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None
    make_loss(settings.loss, settings.loss_classes)
    settings.weights()
    settings.patches(len(settings.patch_size) if isinstance(settings.patch_size, tuple) else 3)
    return settings


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{name} is not a setting; the settings are {', '.join(TrainingSettings.model_fields)}."
    return f"{text}." if text.startswith(name) else f"{name}: {text[0].lower()}{text[1:]}, got {first.get('input')!r}."
