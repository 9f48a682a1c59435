"""Instances: ours by chunk beside SciPy, connected-components-3d and scikit-image in memory.

The labels are balls of radius 12 every 22 voxels, which overlap a little: one component that a watershed must cut into
as many instances as there are balls. Each contender has a process of its own and a small volume first: imports and
compilation are not measured. Ours reads the labels where they are made, and writes OME-Zarr with a pyramid in a memory
budget; peers have the labels in memory, and keep their result there.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import report

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, BUDGET, ROUNDS = 256, "1GiB", 3
LARGE, LARGE_BUDGET = 1024, "2GiB"
QUICK, QUICK_LARGE, QUICK_BUDGET = 44, 88, "64MiB"
PERIOD, RADIUS = 22, 12


class Balls:
    """Balls on a grid in a cube of any size, made where they are read."""

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, size: int) -> None:
        self.shape = (size,) * 3

    @property
    def count(self) -> int:
        """Balls whose centres the cube holds."""
        return ((self.shape[0] + PERIOD // 2 - 1) // PERIOD) ** 3

    def __getitem__(self, key: Any) -> np.ndarray:
        axes = np.ogrid[tuple(slice(*s.indices(n)[:2]) for s, n in zip(key, self.shape, strict=True))]
        squares = [(axis % PERIOD - PERIOD // 2) ** 2 for axis in axes]
        return (squares[0] + squares[1] + squares[2] < RADIUS**2).astype(np.uint8)


def scipy_components(labels: np.ndarray) -> int:
    """Run SciPy."""
    from scipy.ndimage import label

    return int(label(labels)[1])


def cc3d_components(labels: np.ndarray) -> int:
    """Run connected-components-3d."""
    import cc3d

    return int(cc3d.connected_components(labels, connectivity=6, return_N=True)[1])


def skimage_watershed(labels: np.ndarray) -> int:
    """Run edt, then scikit-image from maxima at least half a ball apart."""
    import edt
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    depth = edt.edt(labels > 0)
    places = peak_local_max(depth, min_distance=RADIUS // 2, exclude_border=False)
    markers = np.zeros(labels.shape, np.int32)
    markers[tuple(places.T)] = np.arange(1, len(places) + 1)
    return int(watershed(-depth, markers, mask=labels > 0).max())


PEERS: dict[str, Callable[[np.ndarray], int]] = {
    "scipy": scipy_components,
    "cc3d": cc3d_components,
    "skimage": skimage_watershed,
}
NAMES = {
    "components": "napari-seamless, components, stored",
    "scipy": "SciPy, components, in memory",
    "cc3d": "connected-components-3d, in memory",
    "watershed": "napari-seamless, watershed, stored",
    "skimage": "scikit-image, watershed, in memory",
}


def ours(method: str, size: int, budget: str) -> int:
    """Run napari-seamless."""
    import napari_seamless
    from napari_seamless.engine.instances import InstanceSettings, write_instances

    labels = napari_seamless.open_volume(Balls(size), axes="zyx")
    distance = RADIUS // 2 if method == "watershed" else None
    settings = InstanceSettings(method=method, memory_budget=budget, min_distance=distance)
    with tempfile.TemporaryDirectory() as folder:
        return write_instances(labels, Path(folder) / "instances.zarr", settings).count


def one(name: str, size: int, budget: str) -> None:
    """Run one contender and print its figures."""
    whole = (slice(None),) * 3
    run = (lambda n: PEERS[name](Balls(n)[whole])) if name in PEERS else (lambda n: ours(name, n, budget))
    run(PERIOD)
    labels = Balls(size)[whole] if name in PEERS else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    count = ours(name, size, budget) if labels is None else PEERS[name](labels)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report.finish(seconds=seconds, count=count, above_mib=(peak - before) / 1024)


def table(size: int, budget: str, rounds: int, contenders: tuple[str, ...]) -> str:
    """Return the table of one size; refuse a wrong number of instances."""
    runs = {name: ("--one", name, "--size", str(size), "--budget", budget) for name in contenders}
    rows = []
    for name, figures in report.rounds(__file__, runs, rounds).items():
        expected = Balls(size).count if name in {"watershed", "skimage"} else 1
        if figures["count"][0] != expected:
            raise SystemExit(f"{name} found {figures['count'][0]} instances, not {expected}")
        seconds = report.median(figures["seconds"])
        speed = f"{size**3 / seconds * 1e-6:.1f}"
        above = f"{max(figures['above_mib']):.0f}"
        rows.append((NAMES[name], f"{figures['count'][0]:.0f}", report.spread(figures["seconds"]), speed, above))
    head = (f"{size}^3, budget {budget}", "instances", "seconds", "Mvoxel/s", "MiB above the start")
    return report.table(head, rows)


def main() -> None:
    """Run everything, or one contender."""
    options = report.arguments(__doc__, size=SIZE, budget=BUDGET, rounds=ROUNDS)
    if options.one:
        one(options.one, options.size, options.budget)
        return
    sizes = ((options.size, options.budget, options.rounds), (LARGE, LARGE_BUDGET, 1))
    if options.quick:
        sizes = ((QUICK, QUICK_BUDGET, 1), (QUICK_LARGE, QUICK_BUDGET, 1))
    (size, budget, rounds), (large, large_budget, _) = sizes
    parts = [table(size, budget, rounds, tuple(NAMES)), table(large, large_budget, 1, ("components", "watershed"))]
    report.write("instances", "Instances", parts, "scipy", "edt", "numba", "zarr", quick=options.quick)


if __name__ == "__main__":
    main()
