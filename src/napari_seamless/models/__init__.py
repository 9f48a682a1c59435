"""Networks behind one protocol."""

from napari_seamless.models.adapter import TorchModel
from napari_seamless.models.demo import demo_model, demo_spec
from napari_seamless.models.load import ModelSource, load_model
from napari_seamless.models.meshnet import MeshNet
from napari_seamless.models.out_of_memory import is_out_of_memory
from napari_seamless.models.torchscript import load_torchscript, save_torchscript

__all__ = [
    "MeshNet",
    "ModelSource",
    "TorchModel",
    "demo_model",
    "demo_spec",
    "is_out_of_memory",
    "load_model",
    "load_torchscript",
    "save_torchscript",
]
