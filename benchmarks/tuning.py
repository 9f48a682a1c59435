"""What tuning costs, and whether it tells the truth: the brain with the bundled network, on a region of its own choice.

Five questions. What does the whole curve cost, beside the one densest pass? Does each point equal a run of the engine
with its settings? How far is the predicted time of a whole run from the real one? How well does the proxy rank settings
where there is no truth? How long does a slider take to show a slice?
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import report
from scipy import stats

from napari_seamless import samples, segment
from napari_seamless.engine.tuning import WINDOWS, Candidate, Point, Tuner, advise, default_region, lattice_candidates
from napari_seamless.quality import dice_scores
from napari_seamless.recipe import make_settings
from napari_seamless.types import Box

PATCH = (64, 64, 64)
DENSEST = 0.75
SLICES = 5


class Case:
    """The brain, a region of it, and the settings to compare.

    Parameters
    ----------
    quick : bool
        Patches of 32 voxels in a region of 24.
    densest : float
        The largest overlap.
    """

    def __init__(self, *, quick: bool, densest: float) -> None:
        self.volume, self.truth = samples.brain()
        self.patch = (32, 32, 32) if quick else PATCH
        size = 24 if quick else None
        self.region = default_region(self.volume, self.truth, patch_size=self.patch, size=size)
        self.overlaps = tuple(sorted({0.0, 0.25, 0.5, densest}))
        self.settings = make_settings(patch_size=self.patch)

    def candidates(self) -> list[Candidate]:
        """Return every overlap with every window."""
        return list(lattice_candidates(self.patch, overlaps=self.overlaps))

    def run(self, candidate: Candidate, **options: object) -> object:
        """Run the engine with the settings of a candidate."""
        return segment(
            self.volume,
            "demo",
            patch_size=candidate.patch_size,
            overlap=candidate.overlap,
            border=candidate.border,
            window=candidate.shape,
            **options,
        )


def cost(case: Case, tuner: Tuner) -> tuple[tuple[Point, ...], str]:
    """Time the densest pass, then all the rest of the curve."""
    begin = time.perf_counter()
    tuner.evaluate(Candidate(case.patch, case.overlaps[-1]))
    dense = time.perf_counter() - begin
    points = tuner.curve(case.candidates())
    total = time.perf_counter() - begin
    n, n_patches = len(points), tuner.plan(Candidate(case.patch, case.overlaps[-1])).n_patches
    text = (
        f"Region {' × '.join(map(str, case.region.shape))}, patches of {case.patch[0]}^3, {n} points: overlaps "
        f"{', '.join(f'{o:g}' for o in case.overlaps)} with every window.\n\n"
    )
    rows = [
        (f"the densest pass, {n_patches} patches", f"{dense:.1f}", "1"),
        ("the whole curve, that pass included", f"{total:.1f}", f"{total / dense:.3f}"),
    ]
    return points, text + report.table(("", "seconds", "of the densest pass"), rows)


def curve(points: tuple[Point, ...]) -> str:
    """Return the points as a table, and the advice."""
    advice = advise(points)
    rows = [
        (
            f"{point.overlap:g}",
            point.window,
            f"{point.dice:.4f}",
            "–" if point.surface_dice is None else f"{point.surface_dice:.4f}",
            "–" if point.seam_energy is None else f"{point.seam_energy:.4f}",
            point.patches,
            f"{point.seconds:.0f}",
            f"{point.efficiency:.2g}",
            "recommended" if point is advice.recommended else "Pareto" if point in advice.pareto else "",
        )
        for point in points
    ]
    head = ("overlap", "window", "Dice", "surface Dice", "seam", "patches", "seconds, predicted", "Dice per second", "")
    return f"### The curve\n\n{report.table(head, rows)}\n{advice.sentence}\n"


def exactness(case: Case, tuner: Tuner, windows: tuple[str, ...]) -> str:
    """Compare blends with runs of the engine over the region."""
    rows = []
    for overlap in case.overlaps:
        worst, differing, n = 0.0, 0, 0
        for window in windows if overlap < case.overlaps[-1] else windows[:1]:
            candidate = Candidate(case.patch, overlap, "edge", window)
            run = np.asarray(case.run(candidate, region=case.region, write="probabilities").array)
            blended = tuner.blend(candidate, seam=False)
            worst = max(worst, float(np.abs(blended.probabilities - run).max()))
            differing += int(np.count_nonzero(blended.labels != run.argmax(axis=0)))
            n += 1
        rows.append((f"{overlap:g}", n, f"{worst:.2g}", differing))
    head = ("overlap", "windows", "largest difference of a probability", "labels that differ")
    return f"### Points beside runs of the engine\n\n{report.table(head, rows)}"


def prediction(case: Case, tuner: Tuner, overlaps: tuple[float, ...]) -> str:
    """Compare predicted times with runs over the whole volume."""
    rows = []
    for overlap in overlaps:
        candidate = Candidate(case.patch, overlap)
        predicted = tuner.predict(candidate).seconds
        real = case.run(candidate).timings["total"]
        patches = tuner.plan(candidate, whole=True).n_patches
        rows.append((f"{overlap:g}", patches, f"{predicted:.1f}", f"{real:.1f}", f"{predicted / real - 1:+.0%}"))
    head = ("overlap", "patches", "seconds, predicted", "seconds, real", "error")
    return f"### Predicted times beside real runs over the whole volume\n\n{report.table(head, rows)}"


def proxy(points: tuple[Point, ...], tuner: Tuner) -> str:
    """Rank the points by truth and by agreement with the consensus of the densest overlap."""
    densest = max(points, key=lambda point: point.patches).candidate
    labels = tuner.blend(replace(densest, window="gaussian"), seam=False).labels
    agreement = []
    for point in points:
        scores = dice_scores(tuner.blend(point.candidate, seam=False).labels, labels, tuner.classes or ())
        agreement.append(float(np.mean([score for score in scores.values() if score is not None])))
    rows = []
    for name, chosen in (("all", None), *((window, window) for window in dict.fromkeys(p.window for p in points))):
        pairs = [(p.dice, a) for p, a in zip(points, agreement, strict=True) if chosen in {None, p.window}]
        rho = stats.spearmanr([a for a, _ in pairs], [b for _, b in pairs]).statistic
        rows.append((name, len(pairs), "–" if math.isnan(rho) else f"{rho:.2f}"))
    best = points[int(np.argmax([p.dice for p in points]))]
    text = f"Best by the truth: {best.setting}; best by the proxy: {points[int(np.argmax(agreement))].setting}.\n"
    head = ("windows", "points", "Spearman's rank correlation of agreement and Dice")
    return f"### The proxy beside the truth\n\n{report.table(head, rows)}\n{text}"


def slider(case: Case) -> str:
    """Time slices of the region, with predictions in memory and on disk."""
    rows = []
    for where, cache in (("memory", None), ("disk", 1)):
        with Tuner(case.volume, "demo", case.settings, case.region, cache_bytes=cache) as tuner:
            _fill(tuner, Candidate(case.patch, DENSEST))
            for axis, name in enumerate("zyx"):
                seconds = [
                    _slice_seconds(tuner, Candidate(case.patch, DENSEST, "edge", window), axis, at)
                    for window, at in itertools.product(WINDOWS, np.linspace(0.1, 0.9, SLICES))
                ]
                rows.append((where, name, report.spread([1000 * s for s in seconds], 0)))
    head = ("predictions in", "slice across", "milliseconds, median (least–most)")
    text = f"Overlap {DENSEST}, every window, seam map included, one thread.\n\n"
    return f"### A slice of the region, blended again\n\n{text}{report.table(head, rows)}"


def _fill(tuner: Tuner, candidate: Candidate) -> None:
    """Give the tuner predictions without a pass: what a slice costs does not depend on their values."""
    plan, values = tuner.plan(candidate), np.random.default_rng(0).random((3, *candidate.patch_size), np.float32)
    tuner.evaluate(Candidate(candidate.patch_size, 0.0))
    for index in itertools.product(*plan.touching(tuner.region)):
        if plan.patch_box(index) not in tuner.predictions:
            tuner.predictions.add(plan.patch_box(index), values)


def _slice_seconds(tuner: Tuner, candidate: Candidate, axis: int, at: float) -> float:
    start, stop = list(tuner.region.start), list(tuner.region.stop)
    start[axis] += int(at * tuner.region.shape[axis])
    stop[axis] = start[axis] + 1
    begin = time.perf_counter()
    tuner.blend(candidate, Box(tuple(start), tuple(stop)), threads=1)
    return time.perf_counter() - begin


def main() -> None:
    """Answer the five questions."""
    options = report.arguments(__doc__, densest=DENSEST)
    case = Case(quick=options.quick, densest=options.densest)
    with Tuner(case.volume, "demo", case.settings, case.region, truth=case.truth) as tuner:
        points, costs = cost(case, tuner)
        parts = [costs, curve(points), proxy(points, tuner)]
        parts.append(exactness(case, tuner, WINDOWS[:1] if options.quick else WINDOWS))
        if not options.quick:
            parts.append(prediction(case, tuner, case.overlaps[:-1]))
    parts.append(slider(case))
    report.write("tuning", "Tuning on the brain", parts, "torch", "numpy", quick=options.quick)


if __name__ == "__main__":
    main()
