"""Where the time of a patch goes: every stage of a run by itself, one after the other, on one thread.

The case of the overhead benchmark with the identity network. A run does the same work on as many lanes as there are
cores; what it takes longer than the sum divided by the cores is waiting and handing over.
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import report
import torch
from overhead import CLASSES, PATCH, SIZE, Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGES = {
    "read": "copy a patch out of the volume, look for NaN",
    "forward": "the identity network",
    "check": "look for NaN in the output",
    "window": "multiply by the window",
    "add": "add to the chunks",
    "reduce": "argmax of finished chunks",
}


def measured(rounds: int, size: int) -> dict[str, list[float]]:
    """Return the seconds of each stage in each round."""
    from napari_seamless.blend import ChunkAccumulators, Scratch
    from napari_seamless.engine import prepare
    from napari_seamless.engine.evaluator import Evaluator, check_finite
    from napari_seamless.engine.output import make_reduction
    from napari_seamless.engine.reading import patch_reader, read_batch
    from napari_seamless.plan import Batches, window_array
    from napari_seamless.recipe import make_settings

    settings = make_settings(patch_size=PATCH, overlap=0.5, border="edge", device="cpu")
    job = prepare(np.random.default_rng(0).random((size,) * 3, np.float32), Identity(), settings)
    reader = patch_reader(job.volume, settings, job.plan, job.model.spec.normalization, None)
    evaluate = Evaluator(job.model, job.device, settings, job.plan, print)
    window = torch.from_numpy(window_array(job.plan.window, (PATCH,) * 3).copy())
    reduction = make_reduction(job, CLASSES)
    every: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds + 1):
        seconds = dict.fromkeys(STAGES, 0.0)

        @contextmanager
        def stage(name: str, seconds: dict[str, float] = seconds) -> Iterator[None]:
            begin = time.perf_counter()
            yield
            seconds[name] += time.perf_counter() - begin

        with Scratch() as scratch:
            sums = ChunkAccumulators(job.plan, scratch, budget=2**40)
            for batch in Batches(job.plan):
                with stage("read"):
                    voxels = torch.from_numpy(read_batch(reader, job.plan, batch))
                with stage("forward"):
                    output = evaluate(voxels)
                with stage("check"):
                    check_finite(output, [job.plan.patch_box(index) for index in batch], "identity")
                with stage("window"):
                    weighted = output * window
                with stage("add"):
                    finished = sums.add(weighted[0], batch[0])
                for _, total in finished:
                    with stage("reduce"):
                        for tile, box in zip(total.tiles, total.boxes(), strict=True):
                            reduction.function(tile, box)
                    sums.recycle(total)
        for name, value in seconds.items():
            every[name].append(value / job.plan.n_patches)
    return {name: values[1:] for name, values in every.items()}


def main() -> None:
    """Measure and write the table."""
    options = report.arguments(__doc__, rounds=5)
    torch.set_num_threads(1)
    figures = measured(1 if options.quick else options.rounds, 128 if options.quick else SIZE)
    rows = [
        (name, STAGES[name], f"{np.median(v) * 1e3:.2f} ({min(v) * 1e3:.2f}–{max(v) * 1e3:.2f})")
        for name, v in figures.items()
    ]
    rows.append(("all", "", f"{sum(np.median(v) for v in figures.values()) * 1e3:.2f}"))
    table = report.table(("stage", "what it does", "ms a patch on one thread, median (least–most)"), rows)
    report.write("stages", "Where the time of a patch goes", [table], "torch", "numpy", quick=options.quick)


if __name__ == "__main__":
    main()
