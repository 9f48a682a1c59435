"""Train networks on volumes larger than memory."""

from napari_seamless.training.augmentation import Augmentation
from napari_seamless.training.dataset import PatchSettings, TrainingPatches
from napari_seamless.training.events import EpochDone, Preparing, StepDone
from napari_seamless.training.losses import make_loss
from napari_seamless.training.pair import TrainingPair, open_pair
from napari_seamless.training.schedules import Schedule
from napari_seamless.training.settings import TrainingSettings, make_training_settings
from napari_seamless.training.step import Stepped, StepSettings, TrainingStep
from napari_seamless.training.trainer import Trained, train

__all__ = [
    "Augmentation",
    "EpochDone",
    "PatchSettings",
    "Preparing",
    "Schedule",
    "StepDone",
    "StepSettings",
    "Stepped",
    "Trained",
    "TrainingPair",
    "TrainingPatches",
    "TrainingSettings",
    "TrainingStep",
    "make_loss",
    "make_training_settings",
    "open_pair",
    "train",
]
