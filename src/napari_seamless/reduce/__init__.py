"""From the class sums of a finished block to what is stored."""

from napari_seamless.reduce.labels import argmax_labels, label_dtype, threshold_labels
from napari_seamless.reduce.probabilities import check_range, mean_probabilities, stored_probabilities
from napari_seamless.reduce.top_classes import check_top_classes, top_classes
from napari_seamless.reduce.user_function import OwnFunction, UserFunction

__all__ = [
    "OwnFunction",
    "UserFunction",
    "argmax_labels",
    "check_range",
    "check_top_classes",
    "label_dtype",
    "mean_probabilities",
    "stored_probabilities",
    "threshold_labels",
    "top_classes",
]
