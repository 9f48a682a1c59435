"""Ellipsoids whose image shows them in noise, and settings that train in seconds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seamless.training.oss_net import make_occupancy_settings

SHAPE = (24, 24, 48)


def ellipsoids(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return labels with one ellipsoid in each half of the last axis."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    found = np.zeros(shape, np.uint8)
    for centre, axes in (((12, 11, 12), (7, 6, 8)), ((11, 12, 36), (6, 8, 7))):
        found |= sum(((v - c) / a) ** 2 for v, c, a in zip((z, y, x), centre, axes, strict=True)) <= 1
    return found


@pytest.fixture(scope="session")
def pair() -> tuple[np.ndarray, np.ndarray]:
    labels = ellipsoids()
    image = labels + 0.2 * np.random.default_rng(0).standard_normal(SHAPE)
    return image.astype(np.float32), labels


@pytest.fixture(scope="session")
def quick():
    def make(**changes):
        values = {
            "setting": "oss_net_C1",
            "crop": 16,
            "encoder_channels": (4, 8),
            "width": 16,
            "decoder_blocks": 2,
            "epochs": 2,
            "samples_per_epoch": 4,
            "batch_size": 2,
            "coordinates": 128,
            "validation_coordinates": 256,
            "validate_every": 1,
            "held_out_axis": "x",
            "device": "cpu",
        }
        return make_occupancy_settings(**{**values, **changes})

    return make
