"""Networks behind one protocol."""

from napari_seamless.models.adapter import TorchModel
from napari_seamless.models.demo import demo_model, demo_spec
from napari_seamless.models.load import ModelSource, load_model, load_network
from napari_seamless.models.meshnet import MeshNet
from napari_seamless.models.out_of_memory import is_out_of_memory
from napari_seamless.models.stored_performance import load_performance
from napari_seamless.models.torchscript import load_torchscript, save_torchscript
from napari_seamless.models.unet import UNet, make_unet

__all__ = [
    "MeshNet",
    "ModelSource",
    "TorchModel",
    "UNet",
    "demo_model",
    "demo_spec",
    "is_out_of_memory",
    "load_model",
    "load_network",
    "load_performance",
    "load_torchscript",
    "make_unet",
    "save_torchscript",
]
