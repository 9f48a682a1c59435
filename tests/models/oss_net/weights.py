"""Networks whose weights, and volumes whose voxels, are made by the rule of the reference outputs."""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_seamless.models.oss_net import OSSNet

FOLDER = Path(__file__).parent / "reference"
NAMES = ("oss_net_A_bra_ts", "oss_net_C2_bra_ts", "oss_net_full2_lits", "vanilla_o_net_bra_ts")
SHAPE = (32, 32, 24)


def keys(name: str) -> dict[str, list[int]]:
    return json.loads((FOLDER / f"keys_{name}.json").read_text())


def reference(name: str) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(FOLDER / f"ref_{name}.npz") as file:
        return {key: file[key] for key in file}


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def volume(channels: int, shape: tuple[int, ...], seed: int) -> Tensor:
    return 2 * F.avg_pool3d(normal((channels, *shape), seed), 3, stride=1, padding=1)


def value_of(name: str, start: Tensor) -> Tensor:
    r = normal(tuple(start.shape), zlib.crc32(name.encode()))
    rules = {
        "num_batches_tracked": lambda: start,
        "running_var": lambda: 1 + 0.2 * r.abs(),
        "running_mean": lambda: 0.1 * r,
        "weight_numerator": lambda: start + 0.02 * r,
        "weight_denominator": lambda: start + 0.02 * r,
        "linear_gamma.bias": lambda: 1 + 0.1 * r,
        "bias": lambda: 0.1 * r,
        "decoder.b": lambda: 0.02 * r,
        "decoder.final_mapping.0.weight": lambda: 2 * r / r[0].numel() ** 0.5,
    }
    for end, rule in rules.items():
        if name.endswith(end):
            return rule()
    return 1 + 0.1 * r if r.ndim == 1 else 0.5 * r / r[0].numel() ** 0.5


def filled(network: OSSNet) -> OSSNet:
    network.load_state_dict({name: value_of(name, start) for name, start in network.state_dict().items()})
    return network.eval()


@cache
def network_of(name: str) -> OSSNet:
    return filled(OSSNet.from_settings(name))


@cache
def encoded(name: str) -> tuple[Tensor, Tensor | None]:
    network = network_of(name)
    return network.encode(volume(network.settings.channels, network.settings.encoder_size, 11))


@cache
def small(name: str, **changes: Any) -> tuple[OSSNet, Tensor]:
    """A narrow network that begins with a setting, and latent vectors for it."""
    sizes: dict[str, Any] = {"encoder_channels": (4, 6), "latent_grid": (3, 2, 2), "width": 24}
    network = filled(OSSNet.from_settings(name, **{**sizes, **changes}))
    latent, _ = network.encode(volume(network.settings.channels, network.settings.encoder_size, 3))
    return network, latent


def lattice(shape: tuple[int, ...], spacing: int = 1) -> Tensor:
    axes = [torch.arange(0, edge, spacing) for edge in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)
