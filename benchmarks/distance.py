"""Signed distance maps: ours beside edt, SciPy and MONAI in memory, and from store to store in bounded memory.

The labels are those of a brain, repeated to the size; the map is that of white matter in the convention of the boundary
loss, with voxels twice as long along z. Each contender has a process of its own, in turn with the others, and a small
map first: imports and compilation are not measured. Peers make the map as its published code does, with one transform
outside and one inside; edt.sdf is the library's own signed map. Written maps are OME-Zarr with a pyramid, compressed.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import report
from tiled_brain import TiledBrain

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, STORED, LARGE, BUDGET = 256, 512, 1024, "2GiB"
QUICK, QUICK_STORED, QUICK_LARGE, QUICK_BUDGET = 48, 64, 96, "16MiB"
ROUNDS = 5
SPACING = (2.0, 1.0, 1.0)
WHITE_MATTER = 1
THREADS = os.cpu_count() or 1

Map = np.ndarray[Any, np.dtype[np.float32]]


class TiledLabels(TiledBrain):
    """The reference labels of the brain, repeated to any shape, from the middle of the first one on."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        from napari_seamless import samples

        super().__init__(shape)
        tile = np.asarray(samples.brain()[1].data).astype(np.uint8)
        self.period = tile.shape
        self._tile = np.roll(tile, [n // 2 for n in tile.shape], axis=(0, 1, 2))


def ours(labels: np.ndarray) -> Map:
    """Run napari-seamless."""
    from napari_seamless import signed_distance_map

    return signed_distance_map(labels, SPACING, [WHITE_MATTER])[0]


def ours_exact(labels: np.ndarray) -> Map:
    """Run napari-seamless with the distance to the interface."""
    from napari_seamless import signed_distance_map

    return signed_distance_map(labels, SPACING, [WHITE_MATTER], convention="exact")[0]


def edt_twice(labels: np.ndarray) -> Map:
    """Run edt outside and inside."""
    import edt

    inside = labels == WHITE_MATTER
    outside, within = (edt.edt(kind, anisotropy=SPACING, parallel=THREADS) for kind in (~inside, inside))
    return outside - (within - 1) * inside


def edt_sdf(labels: np.ndarray) -> Map:
    """Run the signed map of edt, which is positive inside and no unit less."""
    import edt

    signed = edt.sdf(labels == WHITE_MATTER, anisotropy=SPACING, parallel=THREADS)
    return (signed > 0) - signed


def scipy(labels: np.ndarray) -> Map:
    """Run SciPy outside and inside."""
    from scipy.ndimage import distance_transform_edt

    inside = labels == WHITE_MATTER
    outside, within = (distance_transform_edt(kind, sampling=SPACING) for kind in (~inside, inside))
    return outside - (within - 1) * inside


def monai(labels: np.ndarray) -> Map:
    """Run MONAI's transform outside and inside."""
    from monai.transforms.utils import distance_transform_edt

    inside = labels == WHITE_MATTER
    outside, within = (np.asarray(distance_transform_edt(k[None], sampling=SPACING))[0] for k in (~inside, inside))
    return outside - (within - 1) * inside


IN_MEMORY: dict[str, Callable[[np.ndarray], Map]] = {
    "ours": ours,
    "edt_twice": edt_twice,
    "edt_sdf": edt_sdf,
    "scipy": scipy,
    "monai": monai,
    "ours_exact": ours_exact,
}
NAMES = {
    "ours": "napari-seamless",
    "edt_twice": "edt, twice",
    "edt_sdf": "edt.sdf",
    "scipy": "SciPy",
    "monai": "MONAI",
    "ours_exact": "napari-seamless, exact convention",
}


def in_memory(name: str, size: int) -> None:
    """Make one map in memory and print its figures."""
    labels = TiledLabels((size,) * 3)[:]
    IN_MEMORY[name](labels[:24, :24, :24])
    begin = time.perf_counter()
    distances = IN_MEMORY[name](labels)
    report.finish(seconds=time.perf_counter() - begin, mean=float(np.mean(distances, dtype=np.float64)))


def stored(size: int, budget: str) -> None:
    """Write one map and print its figures."""
    import napari_seamless
    from napari_seamless.engine.distance import DistanceSettings, write_distance_map

    settings = DistanceSettings(spacing=SPACING, classes=[WHITE_MATTER], memory_budget=budget)
    with tempfile.TemporaryDirectory() as folder:
        labels = TiledLabels((size,) * 3)
        small = napari_seamless.open_volume(TiledLabels((72,) * 3), axes="zyx")
        write_distance_map(small, Path(folder) / "small.zarr", settings)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin = time.perf_counter()
        written = write_distance_map(
            napari_seamless.open_volume(labels, axes="zyx"), Path(folder) / "map.zarr", settings
        )
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check(written.volume.data, labels)
    report.finish(seconds=seconds, peak_mib=peak / 1024, above_mib=(peak - before) / 1024)


def check(distances: Any, labels: TiledLabels) -> None:
    """Compare a block in the middle of a brain with SciPy, where what lies around it decides the distances."""
    reach = 20
    firsts = [n // 2 // period * period for n, period in zip(labels.shape, labels.period, strict=True)]
    inner = tuple(slice(first, first + 16) for first in firsts)
    around = labels[tuple(slice(max(0, s.start - reach), s.stop + reach) for s in inner)]
    found = np.asarray(distances[(0, *inner)])
    truth = scipy(around)[tuple(slice(s.start - max(0, s.start - reach), None) for s in inner)][:16, :16, :16]
    near = np.abs(truth) < reach - 1
    if not near.any() or not np.allclose(found[near], truth[near], rtol=1e-5, atol=1e-4):
        raise SystemExit("the distances are not those of SciPy")


def one(options: Any) -> None:
    """Run one contender."""
    if options.one == "stored":
        stored(options.size, options.budget)
    else:
        in_memory(options.one, options.size)


def table_in_memory(size: int, rounds: int) -> tuple[str, float]:
    """Return the table of maps in memory, and the seconds of a voxel of edt."""
    runs = {name: ("--one", name, "--size", str(size)) for name in IN_MEMORY}
    found = report.rounds(__file__, runs, rounds)
    means = {name: figures["mean"][0] for name, figures in found.items() if name != "ours_exact"}
    if not np.allclose(list(means.values()), means["scipy"], rtol=1e-4, atol=1e-4):
        raise SystemExit(f"the maps differ: {means}")
    best = min(report.median(found[name]["seconds"]) for name in ("edt_twice", "edt_sdf"))
    rows = []
    for name, figures in found.items():
        seconds = report.median(figures["seconds"])
        rows.append((NAMES[name], report.spread(figures["seconds"]), f"{seconds / best:.2f}"))
    text = f"In memory, {size}^3, {THREADS} threads, {rounds} rounds; seconds, median (least–most).\n"
    return f"{text}\n{report.table(('', 'seconds', 'time / that of edt'), rows)}", best / size**3


def table_stored(sizes: tuple[tuple[int, str], ...], edt_voxel: float) -> str:
    """Return the table of written maps."""
    rows = []
    for size, budget in sizes:
        run = report.in_process(__file__, "--one", "stored", "--size", str(size), "--budget", budget)
        if "failed" in run:
            raise SystemExit(run["failed"])
        voxel = run["seconds"] / size**3
        rows.append(
            (
                f"{size}^3",
                budget,
                f"{run['seconds']:.1f}",
                f"{1e-6 / voxel:.1f}",
                f"{edt_voxel / voxel:.2f}",
                f"{run['peak_mib']:.0f}",
                f"{run['above_mib']:.0f}",
            )
        )
    head = (
        "written, exact",
        "budget",
        "seconds",
        "Mvoxel/s",
        "speed / that of edt in memory",
        "peak MiB",
        "of it above the start",
    )
    return report.table(head, rows)


def main() -> None:
    """Run everything, or one contender."""
    options = report.arguments(__doc__, size=SIZE, budget=BUDGET, rounds=ROUNDS)
    if options.one:
        one(options)
        return
    sizes = ((STORED, BUDGET), (LARGE, BUDGET))
    if options.quick:
        sizes = ((QUICK_STORED, QUICK_BUDGET), (QUICK_LARGE, QUICK_BUDGET))
    size, rounds = (QUICK, 1) if options.quick else (options.size, options.rounds)
    memory, edt_voxel = table_in_memory(size, rounds)
    parts = [memory, table_stored(sizes, edt_voxel)]
    report.write("distance", "Distance maps", parts, "edt", "numba", "scipy", "monai", "zarr", quick=options.quick)


if __name__ == "__main__":
    main()
