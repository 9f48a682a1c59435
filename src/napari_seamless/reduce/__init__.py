"""From the class sums of a finished block to what is stored."""

from napari_seamless.reduce.labels import argmax_labels, label_dtype, threshold_labels
from napari_seamless.reduce.probabilities import mean_probabilities

__all__ = ["argmax_labels", "label_dtype", "mean_probabilities", "threshold_labels"]
