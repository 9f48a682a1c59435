"""A scripted user corrects a weakened network on the brain: Dice, painted voxels and time, round by round.

The bundled network is weakened by noise on the kernels of its convolutions. In each round the script looks at a region,
paints discs where the labels are wrong, and refines. Dice is measured in that region and in one that was never looked
at. The time is that of looking and refining, without the measurement.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import report
from scripted_user import User, mean_dice, predict, weakened

from napari_seamless import demo_model, samples
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.painting import Painting
from napari_seamless.training.refine_settings import make_refine_settings
from napari_seamless.training.refining import Refiner
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.models import TorchModel
    from napari_seamless.training.refine_settings import RefineSettings
    from napari_seamless.types import Volume

CORRECTED, HELD_OUT = Box((72, 112, 40), (120, 176, 104)), Box((72, 48, 40), (120, 112, 104))
QUICK = Box((80, 120, 56), (88, 128, 64)), Box((80, 60, 56), (88, 68, 64))
AMOUNTS = (0.5, 0.8)
ROUNDS, PATCH, OVERLAP = 2, 64, 0.0
USER = User(strokes=16, radius=5)


def settings(quick: bool) -> RefineSettings:
    """Return what is the same in every round."""
    return make_refine_settings(
        seconds=1 if quick else 45,
        patch_size=16 if quick else PATCH,
        schedule="cosine",
        device="cpu",
        threads=2,
    )


def correct(model: TorchModel, quick: bool) -> list[list[object]]:
    """Return a row for each round: voxels, part of the volume, updates, seconds, Dice here and elsewhere."""
    image, truth = samples.brain()
    corrected, held_out = QUICK if quick else (CORRECTED, HELD_OUT)
    labels = {box: np.asarray(truth.data)[box.slices] for box in (corrected, held_out)}
    rng, begin_of_all, spent = np.random.default_rng(0), time.perf_counter(), 0.0

    def dice(network: TorchModel) -> list[str]:
        found = [mean_dice(_look(image, network, box, quick), labels[box], model.spec.classes) for box in labels]
        return [f"{value:.3f}" for value in found]

    rows: list[list[object]] = [[0, 0, "0%", 0, "0", *dice(model)]]
    with (
        tempfile.TemporaryDirectory() as folder,
        Painting(Path(folder) / "brain.corrections.zarr", Canvas.of(image, model.spec.classes)) as painting,
    ):
        refiner = Refiner(image, model, painting)
        for i in range(1 if quick else ROUNDS):
            begin = time.perf_counter()
            prediction = _look(image, refiner.network(), corrected, quick)
            USER.paint(painting, labels[corrected], prediction, corrected, rng)
            done = refiner.run(settings(quick))
            spent += time.perf_counter() - begin
            painted = sum(painting.n_painted.values())
            share = f"{100 * painted / labels[corrected].size:.2f}% of the region, {100 * painted / painting.size:.3f}%"
            rows.append([i + 1, painted, share, done.steps, f"{spent:.0f}", *dice(refiner.network())])
    print(f"{time.perf_counter() - begin_of_all:.0f} s with the measurement")
    return rows


def _look(image: Volume, model: TorchModel, box: Box, quick: bool) -> np.ndarray[Any, Any]:
    return predict(image, model, box, patch_size=16 if quick else PATCH, overlap=OVERLAP)


def main() -> None:
    """Correct networks of two strengths."""
    options = report.arguments(__doc__)
    header = (
        "round",
        "voxels painted",
        "share of the volume",
        "updates",
        "seconds",
        "Dice, corrected",
        "Dice, held out",
    )
    parts = []
    for amount in AMOUNTS[:1] if options.quick else AMOUNTS:
        rows = correct(weakened(demo_model(), amount), options.quick)
        parts.append(f"### Noise of {amount:g} standard deviations\n\n{report.table(header, rows)}")
    report.write("correcting", "Correcting a weakened network", parts, "torch", quick=options.quick)


if __name__ == "__main__":
    main()
