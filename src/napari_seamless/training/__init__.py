"""Train networks on volumes larger than memory, and correct them by painting."""

from napari_seamless.training.augmentation import Augmentation
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.dataset import PatchSettings, TrainingPatches
from napari_seamless.training.events import EpochDone, Preparing, StepDone
from napari_seamless.training.history import History, State
from napari_seamless.training.losses import make_loss
from napari_seamless.training.painting import Painting, corrections_folder
from napari_seamless.training.pair import TrainingPair, open_pair
from napari_seamless.training.refine_events import Refined, Refining
from napari_seamless.training.refine_settings import RefineSettings, make_refine_settings
from napari_seamless.training.refining import Refiner
from napari_seamless.training.schedules import Schedule
from napari_seamless.training.scribbles import untrained_network
from napari_seamless.training.settings import TrainingSettings, make_training_settings
from napari_seamless.training.step import Stepped, StepSettings, TrainingStep
from napari_seamless.training.trainer import Trained, train

__all__ = [
    "Augmentation",
    "Canvas",
    "EpochDone",
    "History",
    "Painting",
    "PatchSettings",
    "Preparing",
    "RefineSettings",
    "Refined",
    "Refiner",
    "Refining",
    "Schedule",
    "State",
    "StepDone",
    "StepSettings",
    "Stepped",
    "Trained",
    "TrainingPair",
    "TrainingPatches",
    "TrainingSettings",
    "TrainingStep",
    "corrections_folder",
    "make_loss",
    "make_refine_settings",
    "make_training_settings",
    "open_pair",
    "train",
    "untrained_network",
]
