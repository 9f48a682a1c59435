"""The bundled demo network: brain tissue classes on a T1-weighted, brain-extracted head."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from napari_seamless.models.adapter import TorchModel
from napari_seamless.models.meshnet import MeshNet
from napari_seamless.models.spec_json import spec_from_json

if TYPE_CHECKING:
    from napari_seamless.types import ModelSpec

DEMO_FILE = Path(__file__).parent.parent / "data" / "demo-meshnet.safetensors"


def demo_model() -> TorchModel:
    """Load the bundled network: background, white matter and grey matter from a T1-weighted brain at 1 mm.

    It was trained on one image, the MNI152 template, against the template's own tissue probabilities. It shows this
    tool, and is no network for research or care.

    Returns
    -------
    TorchModel
        Three classes, softmax; intensities scaled to [0, 1] over the whole volume; receptive field 95 voxels.

    Examples
    --------
    >>> demo_model().spec.classes
    ('background', 'white matter', 'grey matter')
    """
    spec = demo_spec()
    with safe_open(DEMO_FILE, framework="pt") as file:
        width = int(file.metadata()["width"])
    network = MeshNet(in_channels=1, classes=len(spec.classes), width=width)
    network.load_state_dict(load_file(DEMO_FILE))
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return TorchModel(network, spec)


@cache
def demo_spec() -> ModelSpec:
    """Return the description of the bundled network without loading its weights."""
    with safe_open(DEMO_FILE, framework="pt") as file:
        text = file.metadata()["spec"]
    digest = hashlib.sha256(DEMO_FILE.read_bytes()).hexdigest()
    return replace(spec_from_json(text, DEMO_FILE.name), sha256=digest, source="demo")
