"""Blending by performance beside the other windows, and how well agreement with a consensus ranks settings.

On the brain with the bundled network, and on the nuclei with a small one that is trained here on a part of them. Each
window has the same patches, so at one overlap all cost the same. The window by performance follows from the error by
patch coordinate on a part of the volume that shares no voxel with the one that is scored.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import report
import torch
from scipy.stats import spearmanr

from napari_seamless import samples
from napari_seamless.engine.tuning import WINDOWS, Candidate, Point, Tuner, advise
from napari_seamless.models.adapter import TorchModel
from napari_seamless.models.meshnet import MeshNet
from napari_seamless.quality import InverseError, dice_scores, performance_window
from napari_seamless.quality.performance_window import inverse_error, separable_factors
from napari_seamless.recipe import make_settings
from napari_seamless.types import Level, ModelSpec, Normalization, Volume, Window

if TYPE_CHECKING:
    from napari_seamless.recipe import RunSettings

OVERLAPS = (0.0, 0.25, 0.5, 0.75)
FITS = {
    "performance, power 1": InverseError(power=1),
    "performance, power 2": InverseError(power=2),
    "performance, power 2, as factors": InverseError(power=2, separable_within=10),
    "performance, power 4": InverseError(power=4),
    "performance, power 4, floor 1e-6": InverseError(power=4, floor=1e-6),
}
STEPS, CROP = 100, 40
CONSENSUS = ("gaussian", 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A volume with its truth and a network.

    Parameters
    ----------
    name : str
        What it is.
    image, truth : Volume
        Voxels and reference labels.
    model : Any
        The network.
    patch : tuple of int
        Patch size in voxels.
    measured, scored : str
        Where the error by coordinate is measured, and where windows are compared.
    """

    name: str
    image: Volume
    truth: Volume
    model: Any
    patch: tuple[int, ...]
    measured: str
    scored: str


def brain(quick: bool) -> Case:
    """Return the brain: measured behind, scored in front, for left and right are mirror images."""
    image, truth = samples.brain()
    measured, scored = ("64:72,64:72,64:72", "64:72,128:136,64:72") if quick else (":,0:96,:", "80:112,128:192,64:128")
    patch = (32,) * 3 if quick else (64,) * 3
    return Case(name="Brain", image=image, truth=truth, model="demo", patch=patch, measured=measured, scored=scored)


def nuclei(quick: bool) -> Case:
    """Return the nuclei against their background; half of them trains the network, the others take a quarter each."""
    image, instances = samples.nuclei()
    labels = (np.asarray(instances.data) > 0).astype(np.uint8)
    level = Level(data=labels, spacing=image.spacing, translation=image.translation)
    truth = Volume(name="nuclei", axes=image.axes, levels=(level,), units=image.units, is_labels=True)
    network = trained(np.asarray(image.data)[..., :72], labels[..., :72], 2 if quick else STEPS)
    spec = ModelSpec(
        name="nuclei",
        n_spatial=3,
        out_channels=2,
        classes=("background", "nucleus"),
        normalization=Normalization(kind="minmax"),
        activation="softmax",
    )
    return Case(
        name="Nuclei",
        image=image,
        truth=truth,
        model=TorchModel(network, spec),
        patch=(16, 16, 16) if quick else (32, 32, 32),
        measured=":,0:72,72:144",
        scored="16:24,80:88,80:88" if quick else ":,72:144,72:144",
    )


def trained(image: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], steps: int) -> MeshNet:
    """Train a small network on patches of one part."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = MeshNet(1, 2, 8, dilations=(1, 1, 2, 4, 8, 4, 2, 1))
    optimizer = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=steps)
    loss = torch.nn.CrossEntropyLoss()
    pixels, target = torch.from_numpy(image.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))
    for _ in range(steps):
        starts = rng.integers(0, np.array(image.shape) - CROP + 1, (2, 3))
        boxes = [tuple(slice(a, a + CROP) for a in start) for start in starts]
        optimizer.zero_grad()
        scores = network(torch.stack([pixels[box] for box in boxes])[:, None])
        loss(scores, torch.stack([target[box] for box in boxes])).backward()
        optimizer.step()
        schedule.step()
    return network


def windows_by_performance(case: Case) -> tuple[dict[str, Window], list[object]]:
    """Return windows of several powers, and what the map looks like."""
    candidate = Candidate(case.patch, 0.5)
    with Tuner(case.image, case.model, settings(case), case.measured, truth=case.truth) as tuner:
        tuner.evaluate(candidate)
        performance = tuner.performance(candidate)
    error, count = performance.mean, performance.count
    smooth = 1 / inverse_error(error, count, InverseError(floor=1e-6))
    smooth *= float(error.nanmean()) / smooth.mean()
    found = {name: performance_window(error, count, fit) for name, fit in FITS.items()}
    off = [separable_factors(inverse_error(error, count, InverseError(power=power)))[1] for power in (1, 2)]
    z, y, x = (n // 2 for n in case.patch)
    places = ((z, y, x), (0, y, x), (z, 0, x), (z, y, 0), (0, 0, 0))
    return found, [
        case.name,
        performance.n_patches_seen,
        *(f"{smooth[place]:.3f}" for place in places),
        ", ".join(f"{100 * difference:.0f}%" for difference in off),
    ]


def settings(case: Case) -> RunSettings:
    """Return what is the same for all."""
    return make_settings(patch_size=case.patch, device="cpu")


def curve(case: Case, windows: dict[str, Window]) -> dict[tuple[str, float], tuple[Point, Point]]:
    """Score every window at every overlap: with the truth, and against the consensus of the densest overlap."""
    keys = [(name, overlap) for name in windows for overlap in OVERLAPS]
    found = {}
    with Tuner(case.image, case.model, settings(case), case.scored, truth=case.truth) as tuner:
        points = tuner.curve([Candidate(case.patch, overlap, "edge", windows[name]) for name, overlap in keys])
        consensus = tuner.blend(tuner.consensus, seam=False).labels
        for key, point in zip(keys, points, strict=True):
            labels = tuner.blend(point.candidate, seam=False).labels
            agreement = dice_scores(labels, consensus, tuner.classes or ()).values()
            proxy = statistics.fmean(value for value in agreement if value is not None)
            found[key] = point, replace(point, dice=proxy, is_proxy=True)
    return found


def dice_table(case: Case, found: dict[tuple[str, float], tuple[Point, Point]]) -> str:
    """Return a row for each window, and the number of patches."""
    names = dict.fromkeys(name for name, _ in found)
    rows = [[name, *(f"{found[name, overlap][0].dice:.4f}" for overlap in OVERLAPS)] for name in names]
    rows.append(["patches", *(found["gaussian", overlap][0].patches for overlap in OVERLAPS)])
    return f"### {case.name}\n\n{report.table(['window', *(f'overlap {o:g}' for o in OVERLAPS)], rows)}"


def ranks(case: Case, found: dict[tuple[str, float], tuple[Point, Point]]) -> list[object]:
    """Return how alike truth and proxy rank the settings, and what each recommends."""
    pairs = [pair for (name, _), pair in found.items() if not name.startswith("performance")]
    others = [pair for (name, overlap), pair in found.items() if pair in pairs and (name, overlap) != CONSENSUS]
    advice = [advise([pair[i] for pair in pairs]).recommended for i in (0, 1)]
    return [
        case.name,
        *(
            f"{spearmanr([a.dice for a, _ in some], [b.dice for _, b in some]).statistic:.2f}"
            for some in (pairs, others)
        ),
        *(f"{point.overlap:g}, {point.window}" for point in advice),
    ]


def main() -> None:
    """Compare on both volumes."""
    options = report.arguments(__doc__)
    looks, tables, ranked = [], [], []
    for case in (brain(options.quick), nuclei(options.quick)):
        own, look = windows_by_performance(case)
        found = curve(case, {kind: Window(kind=kind) for kind in WINDOWS} | own)
        looks.append(look)
        tables.append(dice_table(case, found))
        ranked.append(ranks(case, found))
    heads = ("volume", "patches", "middle", "z face", "y face", "x face", "corner", "off a product, powers 1 and 2")
    ranks_head = ("volume", "all settings", "without the consensus", "best by truth", "best by proxy")
    report.write(
        "performance_window",
        "Blending by performance",
        [
            "Mean Dice over the classes, in a part of the volume that shares no voxel with the one where the error by",
            "patch coordinate was measured.\n",
            *tables,
            "Error rate by patch coordinate, smoothed, and how far the weights are from a product of factors:\n",
            report.table(heads, looks),
            "### Agreement with the consensus as a proxy\n",
            "Spearman's rank correlation with the Dice against the truth, over four overlaps and four windows by name,",
            "and the overlap and window that each recommends.\n",
            report.table(ranks_head, ranked),
        ],
        "torch",
        quick=options.quick,
    )


if __name__ == "__main__":
    main()
