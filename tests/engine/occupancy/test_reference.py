"""The engine finds what the published code found, voxel by voxel, from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.oss_net.weights import SHAPE, network_of, reference, volume

from napari_seamless.engine.occupancy import OccupancySettings, segment_occupancy

NAME = "oss_net_full2_lits"


def test_coarse_to_fine_gives_the_published_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    network, expected = network_of(NAME), reference(NAME)
    latent = torch.from_numpy(expected["latent"])
    # The published arrays are of latent vectors of another volume than the one whose patches are looked at.
    monkeypatch.setattr(network, "encode", lambda _: (latent, None))
    settings = OccupancySettings(
        threshold=float(expected["threshold"]),
        large_patch_pooling="max",
        normalization="none",
        device="cpu",
    )
    image = volume(1, SHAPE, 7).numpy()[0]
    found = np.asarray(segment_occupancy(image, network, settings).array) > 0
    wanted = np.unpackbits(expected["dense"], count=found.size).reshape(SHAPE).astype(bool)
    others = torch.from_numpy(np.argwhere(found != wanted))
    assert len(others) < 10
    answers = network.occupancy(image[None], others, latent, "max")
    assert (answers - settings.threshold).abs().lt(1e-5).all()
