"""OSS-Net: occupancy of any coordinate, from a coarse look at the volume and fine patches around the coordinate."""

from napari_seamless.models.oss_net.dense import Stages, segment_in_stages
from napari_seamless.models.oss_net.inference import InferenceDecoder
from napari_seamless.models.oss_net.network import OSSNet
from napari_seamless.models.oss_net.pade import PadeActivation, pade
from napari_seamless.models.oss_net.patches import gather_patches
from napari_seamless.models.oss_net.settings import SETTINGS, OSSNetSettings, settings_of
from napari_seamless.models.oss_net.weights import load, save

__all__ = [
    "SETTINGS",
    "InferenceDecoder",
    "OSSNet",
    "OSSNetSettings",
    "PadeActivation",
    "Stages",
    "gather_patches",
    "load",
    "pade",
    "save",
    "segment_in_stages",
    "settings_of",
]
