"""Train occupancy networks on volumes of any size."""

from napari_seamless.models.oss_net.weights import read_training
from napari_seamless.training.oss_net.border import border_in_box, border_map
from napari_seamless.training.oss_net.border_error import BorderError
from napari_seamless.training.oss_net.border_file import WrittenBorder, write_border_map
from napari_seamless.training.oss_net.evaluation import Evaluation
from napari_seamless.training.oss_net.lookahead import Lookahead
from napari_seamless.training.oss_net.settings import OccupancyTrainingSettings, make_occupancy_settings
from napari_seamless.training.oss_net.tensorboard import TensorBoardLog
from napari_seamless.training.oss_net.trainer import OccupancyData, OccupancyTrained, train_occupancy

__all__ = [
    "BorderError",
    "Evaluation",
    "Lookahead",
    "OccupancyData",
    "OccupancyTrained",
    "OccupancyTrainingSettings",
    "TensorBoardLog",
    "WrittenBorder",
    "border_in_box",
    "border_map",
    "make_occupancy_settings",
    "read_training",
    "train_occupancy",
    "write_border_map",
]
