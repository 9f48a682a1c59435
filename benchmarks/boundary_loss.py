"""Dice alone beside Dice with the boundary loss, on thin tubes and sheets in noise, at equal steps.

The volumes are synthetic: curved tubes and sheets of one to two voxels, larger than a patch, in noise half as strong
as they are bright, with voxels three times longer along z. Every contender has the same network, first weights, patches
and number of steps; the last network is scored on volumes that none has seen, segmented whole by the engine.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter

from napari_seamless.engine import segment
from napari_seamless.models import TorchModel
from napari_seamless.quality import dice_scores, surface_dice
from napari_seamless.training import make_training_settings, train
from napari_seamless.types import Level, ModelSpec, Normalization, Volume

Array = np.ndarray[Any, Any]
SPACING = (3.0, 1.0, 1.0)
CLASSES = ("background", "tube", "sheet")
CONTENDERS: dict[str, dict[str, Any]] = {
    "Dice": {"loss": "dice"},
    "Dice, boundary (rebalance)": {"loss": "dice+boundary", "schedule": "rebalance"},
    "Dice, boundary (increase)": {"loss": "dice+boundary", "schedule": "increase"},
    "cross entropy, Dice": {"loss": "cross_entropy+dice"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the comparison is.

    Parameters
    ----------
    shape : tuple of int
        Voxels of a volume.
    patch : tuple of int
        Voxels of a patch.
    channels : tuple of int
        Of the U-Net.
    epochs, patches, seeds : int
        Length of a training, patches of an epoch, and repetitions.
    """

    shape: tuple[int, int, int]
    patch: tuple[int, int, int]
    channels: tuple[int, ...]
    epochs: int
    patches: int
    seeds: int


FULL = Size(shape=(32, 96, 96), patch=(12, 32, 32), channels=(8, 16, 32), epochs=20, patches=30, seeds=3)
QUICK = Size(shape=(12, 32, 32), patch=(8, 16, 16), channels=(4, 8), epochs=2, patches=4, seeds=1)


def thin_labels(shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """Return tubes along random smooth curves, and sheets at level sets of a smooth field, uint8 (z, y, x)."""
    smooth = gaussian_filter(rng.standard_normal(shape), [n / 8 for n in shape])
    height = np.abs(smooth - np.quantile(smooth, rng.uniform(0.3, 0.7)))
    slope = np.sqrt(sum((g / s) ** 2 for g, s in zip(np.gradient(smooth), SPACING, strict=True)))
    sheet = height < 0.8 * np.maximum(slope, 1e-9)  # less than 0.8 voxels in the plane from the level set
    curve = np.ones(shape, bool)
    for _ in range(12):
        angle, turn = rng.uniform(0, 2 * np.pi, 2), rng.normal(0, 0.08, 2)
        at = rng.uniform(0, 1, 3) * np.array(shape) * SPACING
        for _ in range(4 * max(shape)):
            angle = angle + turn + rng.normal(0, 0.03, 2)
            flat = np.cos(0.3 * np.sin(angle[1]))
            at = at + 0.5 * np.array([np.sin(0.3 * np.sin(angle[1])), flat * np.sin(angle[0]), flat * np.cos(angle[0])])
            voxel = np.floor(at / SPACING).astype(int)
            if ((voxel < 0) | (voxel >= shape)).any():
                break
            curve[tuple(voxel)] = False
    tube = distance_transform_edt(curve, sampling=SPACING) < 1.5
    labels = sheet.astype(np.uint8) * 2
    labels[tube] = 1
    return labels


def volumes(shape: tuple[int, int, int], seed: int) -> tuple[Volume, Volume]:
    """Return an image and its labels."""
    rng = np.random.default_rng(seed)
    labels = thin_labels(shape, rng)
    brightness = np.array([0.0, 1.0, 0.8])[labels]
    image = gaussian_filter(brightness, (0.3, 0.6, 0.6)) + 0.4 * rng.standard_normal(shape)
    made = []
    for name, data in (("image", image.astype(np.float32)), ("labels", labels)):
        level = Level(data=data, spacing=SPACING, translation=(0.0,) * 3)
        made.append(Volume(name=name, axes=("z", "y", "x"), levels=(level,), units=("micrometer",) * 3))
    return made[0], made[1]


def figures(size: Size, contender: str, seed: int) -> dict[str, list[float]]:
    """Train once; return the scores of each class on unseen volumes, and the seconds."""
    pairs = [volumes(size.shape, 100 * seed + i) for i in range(3)]
    chosen = CONTENDERS[contender]
    step = 0.8 / size.epochs
    settings = make_training_settings(
        classes=CLASSES,
        patch_size=size.patch,
        channels=size.channels,
        epochs=size.epochs,
        patches_per_epoch=size.patches,
        validate_every=size.epochs,
        schedule_start=step,
        schedule_step=step,
        schedule_cap=0.8,
        seed=seed,
        **chosen,
    )
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trained = train(pairs, Path(folder) / "network.pt", settings)
    seconds = time.perf_counter() - begin
    spec = ModelSpec(
        name="thin", classes=CLASSES, normalization=Normalization(kind="zscore"), activation="softmax", n_spatial=3
    )
    model = TorchModel(trained.network, spec)
    found: dict[str, list[float]] = {"seconds": [seconds]}
    for i in range(2):
        image, labels = volumes(size.shape, 100 * seed + 50 + i)
        result = segment(image, model, patch_size=size.patch)
        volume, truth = np.asarray(result.array), np.asarray(labels.data)
        scores = dice_scores(volume, truth, CLASSES)
        surfaces = surface_dice(volume, truth, CLASSES, spacing=SPACING, tolerance=1.0)
        for name in CLASSES[1:]:
            found.setdefault(f"Dice {name}", []).append(scores[name] or 0.0)
            found.setdefault(f"surface {name}", []).append(surfaces[name] or 0.0)
    return {name: [statistics.fmean(values)] for name, values in found.items()}


def main() -> None:
    """Compare over several seeds."""
    options = report.arguments(__doc__)
    size = QUICK if options.quick else FULL
    columns = [f"{kind} {name}" for kind in ("Dice", "surface") for name in CLASSES[1:]]
    found: dict[str, dict[str, list[float]]] = {name: {} for name in CONTENDERS}
    for seed in range(size.seeds):
        for name in CONTENDERS:
            for key, values in figures(size, name, seed).items():
                found[name].setdefault(key, []).extend(values)
    rows = [
        [name, *(report.spread(values[c], 3) for c in columns), f"{report.median(values['seconds']):.0f}"]
        for name, values in found.items()
    ]
    sizes = (" x ".join(map(str, lengths)) for lengths in (size.shape, size.patch))
    said = "Volumes of {} voxels with a spacing of 3 x 1 x 1, patches of {}".format(*sizes)
    parts = [
        f"{said}; {size.epochs} epochs of {size.patches} patches, {size.seeds} seeds: volumes, first weights and",
        "patches differ between seeds and are the same for all contenders. Median (least–most) over seeds of the mean",
        "of two unseen volumes; the surface Dice tolerates 1 unit, the size of a voxel in the plane.\n",
        report.table(("loss", *columns, "seconds"), rows),
        paired(found, columns),
    ]
    report.write("boundary_loss", "Boundary loss on thin structures", parts, "torch", quick=options.quick)


def paired(found: dict[str, dict[str, list[float]]], columns: list[str]) -> str:
    """Return what each loss adds to Dice alone, seed by seed."""
    pairs = [
        ("Dice, boundary (rebalance)", "Dice"),
        ("Dice, boundary (increase)", "Dice"),
        ("cross entropy, Dice", "Dice"),
    ]
    rows = []
    for first, second in pairs:
        gains = [np.subtract(found[first][column], found[second][column]) for column in columns]
        wins = [f"{g.mean():+.3f}, better in {int((g > 0).sum())} of {g.size}" for g in gains]
        rows.append([f"{first} − {second}", *wins])
    return "Mean difference over seeds, and in how many seeds it is above 0:\n\n" + report.table(("", *columns), rows)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
