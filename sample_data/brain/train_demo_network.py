"""Train the bundled demo network on the MNI152 template; about 40 minutes on two quiet cores.

Run from the repository's root::

    .venv/bin/python sample_data/brain/train_demo_network.py

It writes src/napari_seamless/data/demo-meshnet.safetensors and prints Dice scores: on the whole template, and in
patches without overlap. The network is meant to need its large receptive field, as published networks of this kind do:
it only ever sees whole brains, so a patch's border is a world that it has never seen.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from napari_seamless.models import MeshNet
from napari_seamless.models.demo import DEMO_FILE
from napari_seamless.models.spec_json import spec_to_json
from napari_seamless.samples import brain
from napari_seamless.types import ModelSpec, Normalization

WIDTH = 8
SPEC = ModelSpec(
    name="demo MeshNet",
    n_spatial=3,
    in_channels=1,
    out_channels=3,
    classes=("background", "white matter", "grey matter"),
    colors=((0, 0, 0, 0), (240, 228, 66, 255), (0, 158, 115, 255)),
    normalization=Normalization(kind="minmax"),
    activation="softmax",
    patch_size=(96, 96, 96),
)


def main() -> None:
    """Train both stages, export, and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=130, help="iterations of the first stage")
    parser.add_argument("--second", type=int, default=44, help="iterations of the second stage")
    parser.add_argument("--start", type=Path, help="state dict of a finished first stage")
    parser.add_argument("--output", type=Path, default=DEMO_FILE)
    options = parser.parse_args()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    image, truth = template()
    network = MeshNet(in_channels=1, classes=3, width=WIDTH).to(memory_format=torch.channels_last_3d)
    if options.start is None:
        first_stage(network, image, truth, options.first, rng)
    else:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    second_stage(network, image, truth, options.second, rng)
    export(network, options.output)
    for patch in (None, 128, 96, 64):
        wm, gm = score(network, image, truth, patch)
        print(f"patch {patch or 'whole'}: white matter {wm:.3f}, grey matter {gm:.3f}", flush=True)


def template() -> tuple[np.ndarray, np.ndarray]:
    """Return the template scaled to [0, 1], float32 (z, y, x), and its labels, int64."""
    image, labels = brain()
    voxels = np.asarray(image.data[:], dtype=np.float32)
    return (voxels - voxels.min()) / np.ptp(voxels), np.asarray(labels.data[:], dtype=np.int64)


def first_stage(net: nn.Module, image: np.ndarray, truth: np.ndarray, steps: int, rng: np.random.Generator) -> None:
    """Train with batch statistics on the brain with a random narrow margin."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.momentum = 0.3
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-2, total_steps=steps, pct_start=0.15)
    net.train()
    for step in range(steps):
        crop = brain_crop(image, rng)
        learn(net, optimiser, *augmented(image[crop], truth[crop], rng), step)
        schedule.step()


def second_stage(net: nn.Module, image: np.ndarray, truth: np.ndarray, steps: int, rng: np.random.Generator) -> None:
    """Settle on the template as it is: one crop, one contrast, so that batch and running statistics become the same."""
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step, steps))
    crop = brain_crop(image, None, margin=6)
    net.train()
    for step in range(steps):
        learn(net, optimiser, *augmented(image[crop], truth[crop], rng, gain=0.0), step)
        schedule.step()


def warm_cosine(step: int, steps: int, warm: int = 6) -> float:
    """Rise for some steps, then fall to a hundredth along a cosine."""
    return min(1.0, (step + 1) / warm) * (0.5 + 0.5 * math.cos(math.pi * step / steps) + 0.01)


def brain_crop(image: np.ndarray, rng: np.random.Generator | None, margin: int = 10) -> tuple[slice, ...]:
    """Return the brain's bounding box with a margin on each side: a random one up to `margin`, or `margin` itself."""
    crop = []
    for axis, length in enumerate(image.shape):
        inside = np.flatnonzero((image > 0).any(axis=tuple(a for a in range(3) if a != axis)))
        before, after = rng.integers(0, margin + 1, 2) if rng is not None else (margin, margin)
        crop.append(slice(max(0, int(inside[0] - before)), min(length, int(inside[-1] + 1 + after))))
    return tuple(crop)


def augmented(
    image: np.ndarray, truth: np.ndarray, rng: np.random.Generator, gain: float = 0.1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a pair with another contrast, mirrored half of the time: (1, 1, z, y, x) float32, (1, z, y, x) int64."""
    if rng.random() < 0.5:  # left and right; a brain never stands on its head
        image, truth = np.flip(image, 2), np.flip(truth, 2)
    gamma = math.exp(rng.uniform(-2, 2) * gain)
    bright = image ** np.float32(gamma) * np.float32(1 + rng.uniform(-gain, gain))
    return tensor(bright), torch.from_numpy(np.ascontiguousarray(truth))[None]


def tensor(image: np.ndarray) -> torch.Tensor:
    """Return an image as (1, 1, z, y, x)."""
    return torch.from_numpy(np.ascontiguousarray(image))[None, None]


def learn(net: nn.Module, optimiser: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor, step: int) -> None:
    """Take one step on cross entropy plus half the soft Dice loss of both tissues."""
    begin = time.perf_counter()
    logits = net(x)
    entropy = F.cross_entropy(logits, y, weight=torch.tensor([0.5, 1.0, 1.0]))
    probabilities = logits.softmax(dim=1)
    overlap = torch.zeros(())
    for label in (1, 2):
        mask = (y == label).float()
        found = probabilities[:, label]
        overlap = overlap + 2 * (found * mask).sum() / (found.sum() + mask.sum())
    loss = entropy + 0.5 * (2 - overlap)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    seconds = time.perf_counter() - begin
    print(f"step {step}: loss {loss.item():.4f}, cross entropy {entropy.item():.4f}, {seconds:.0f} s", flush=True)


def export(net: nn.Module, path: Path) -> None:
    """Write weights and description."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in net.state_dict().items()}
    save_file(weights, path, metadata={"spec": spec_to_json(SPEC), "width": str(WIDTH)})


def score(net: nn.Module, image: np.ndarray, truth: np.ndarray, patch: int | None) -> tuple[float, float]:
    """Return Dice of white and grey matter, on the whole image or in patches without overlap."""
    net.eval()
    found = np.zeros_like(truth)
    for corner in np.ndindex(*(-(-n // (patch or n)) for n in image.shape)):
        ends = [min((i + 1) * (patch or n), n) for i, n in zip(corner, image.shape, strict=True)]
        box = tuple(slice(max(0, e - (patch or n)), e) for e, n in zip(ends, image.shape, strict=True))
        with torch.inference_mode():
            found[box] = net(tensor(image[box])).argmax(dim=1)[0].numpy()
    return dice(found, truth, 1), dice(found, truth, 2)


def dice(found: np.ndarray, truth: np.ndarray, label: int) -> float:
    """Return 2 |A and B| / (|A| + |B|)."""
    both = np.count_nonzero((found == label) & (truth == label))
    return 2 * both / (np.count_nonzero(found == label) + np.count_nonzero(truth == label))


if __name__ == "__main__":
    main()
