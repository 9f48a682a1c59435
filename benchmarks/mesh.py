"""Surfaces of every instance of a dense labelling: ours by chunk beside zmesh, scikit-image and VTK in memory.

The volume is the MNI152 brain, tiled, its tissues cut apart by wavy walls: convoluted surfaces everywhere, and over a
thousand instances. Each contender has a process of its own and a small volume first: imports and compilation are not
measured. Peers have the labels in memory. "Extraction" is surfaces as they come; "to a file" is all of it: read
from Zarr, smoothed, simplified, measured and written within a budget.
"""

from __future__ import annotations

import contextlib
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE, BUDGET, ROUNDS = 512, "2GiB", 3
QUICK, QUICK_BUDGET = 96, "64MiB"
WARM = 96
PITCH = 52
MAX_ERROR = 1.0


def labels(size: int) -> np.ndarray:
    """Return the labelling, (z, y, x) uint32, made once and kept in a file among the temporary ones."""
    kept = Path(tempfile.gettempdir()) / f"wavy-bricks-of-brain-{size}.npy"
    if not kept.exists():
        fresh = kept.with_suffix(".fresh.npy")
        np.save(fresh, make_labels(size))
        fresh.rename(kept)
    found: np.ndarray = np.load(kept)
    return found


def make_labels(size: int) -> np.ndarray:
    """Return white and grey matter in wavy bricks, 0 around them."""
    from napari_seamless import samples

    tissue = np.asarray(samples.brain()[1].data).astype(np.uint32)
    repeats = [-(-size // n) for n in tissue.shape]
    found = np.tile(tissue, repeats)[:size, :size, :size]
    z, y, x = np.ogrid[:size, :size, :size]
    along_z = (z + 8 * np.sin(y / 11) + 5 * np.cos(x / 7)) // PITCH
    along_y = (y + 7 * np.sin(x / 13) + 5 * np.cos(z / 9)) // PITCH
    along_x = (x + 6 * np.sin(z / 10) + 6 * np.cos(y / 8)) // PITCH
    n = size // PITCH + 3
    brick = ((along_z + 1) * n + along_y + 1) * n + along_x + 1
    return np.where(found > 0, found + 2 * brick.astype(np.uint32), 0).astype(np.uint32)


def ours(volume: np.ndarray) -> int:
    """Find and weld all surfaces by chunk, on all cores."""
    from napari_seamless.engine.control import Control
    from napari_seamless.engine.distance.progress import Steps
    from napari_seamless.engine.events import ignore_event
    from napari_seamless.engine.mesh import MeshSettings
    from napari_seamless.engine.mesh.making import Making
    from napari_seamless.engine.mesh.source import Source
    from napari_seamless.mesh import weld

    class Welding:
        """Welds, and does nothing more."""

        def __init__(self) -> None:
            self.settings = MeshSettings(memory_budget=BUDGET)
            self.source = Source.open(volume, self.settings, "zyx")
            self.triangles, self.lock = 0, threading.Lock()

        def surface(self, _: int, keys: np.ndarray, crossings: np.ndarray | None) -> None:
            source = self.source
            _, triangles = weld(keys, crossings, source.grid, source.spacing, source.translation)
            with self.lock:
                self.triangles += len(triangles)

    welding = Welding()
    with tempfile.TemporaryDirectory() as folder:
        making: Any = Making(welding, Path(folder), Steps(1, ignore_event, Control()), ignore_event)  # type: ignore[arg-type]
        with contextlib.suppress(ValueError):  # every surface was thrown away
            making.run(lambda *_: None)
    return welding.triangles


def zmesh(volume: np.ndarray) -> int:
    """Run zmesh for all labels at once."""
    import zmesh as package

    mesher = package.Mesher((1, 1, 1))
    mesher.mesh(volume, close=True)
    return sum(len(mesher.get(label, normals=False).faces) for label in mesher.ids())


def surface_nets(volume: np.ndarray) -> int:
    """Run VTK's surface nets for all labels at once: every border once, for both of its labels, not smoothed."""
    import vtk

    nets = vtk.vtkSurfaceNets3D()
    nets.SetInputData(_image(np.pad(volume, 1)))
    found = np.unique(volume)
    found = found[found > 0]
    for i, label in enumerate(found.tolist()):
        nets.SetValue(i, label)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToTriangles()
    nets.Update()
    return int(nets.GetOutput().GetNumberOfCells())


def flying_edges(volume: np.ndarray) -> int:
    """Run VTK's flying edges in the box around each label."""
    import vtk

    count = 0
    for mask in _masks(volume):
        edges = vtk.vtkFlyingEdges3D()
        edges.SetInputData(_image(mask))
        edges.SetValue(0, 0.5)
        edges.ComputeNormalsOff()
        edges.Update()
        count += edges.GetOutput().GetNumberOfCells()
    return count


def skimage(volume: np.ndarray) -> int:
    """Run scikit-image's marching cubes in the box around each label."""
    from skimage.measure import marching_cubes

    return sum(len(marching_cubes(mask.astype(np.float32), 0.5)[1]) for mask in _masks(volume))


def _image(volume: np.ndarray) -> Any:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(*volume.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(volume.ravel(), deep=1))
    return image


def _masks(volume: np.ndarray) -> Iterator[np.ndarray]:
    from scipy.ndimage import find_objects

    for number, box in enumerate(find_objects(volume.astype(np.int32)), 1):
        if box is not None:
            yield np.pad(volume[box] == number, 1).astype(np.uint8)


def written(size: int, budget: str, suffix: str) -> dict[str, float]:
    """Run all of it, from Zarr to a file, and return the figures."""
    import zarr

    from napari_seamless.engine.mesh import MeshSettings, write_meshes

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "labels.zarr"
        _store(zarr.create_array(source, shape=(size,) * 3, chunks=(64,) * 3, dtype=np.uint32), size)
        begin, before = time.perf_counter(), _peak()
        settings = MeshSettings(memory_budget=budget, max_error=MAX_ERROR)
        made = write_meshes(source, Path(folder) / f"meshes{suffix}", settings, axes="zyx")
        return {
            "seconds": time.perf_counter() - begin,
            "triangles": sum(row.measures.triangles for row in made.rows),
            "surfaces": len(made.rows),
            "open": sum(not row.measures.watertight for row in made.rows),
            "error": max(row.error for row in made.rows),
            "above_mib": _peak() - before,
        }


def _store(array: Any, size: int) -> None:
    """Fill a store in a process of its own: what that takes is not counted."""
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=lambda: array.__setitem__(..., labels(size)))
    process.start()
    process.join()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


EXTRACTION: dict[str, Callable[[np.ndarray], int]] = {
    "ours": ours,
    "zmesh": zmesh,
    "surface_nets": surface_nets,
    "flying_edges": flying_edges,
    "skimage": skimage,
}
NAMES = {
    "ours": "napari-seamless, by chunk",
    "zmesh": "zmesh",
    "surface_nets": "VTK surface nets, borders shared by labels",
    "flying_edges": "VTK flying edges, each label's box",
    "skimage": "scikit-image, each label's box",
}
FILES = {".ply": "PLY", ".glb": "GLB", ".precomputed": "Neuroglancer, levels of detail"}


def one(name: str, size: int, budget: str) -> None:
    """Run one contender and print its figures."""
    if name in FILES:
        written(WARM, budget, name)
        report.finish(**written(size, budget, name))
        return
    EXTRACTION[name](labels(WARM))
    volume = labels(size)
    before, begin = _peak(), time.perf_counter()
    triangles = EXTRACTION[name](volume)
    report.finish(seconds=time.perf_counter() - begin, triangles=triangles, above_mib=_peak() - before)


def extraction(size: int, budget: str, rounds: int) -> str:
    """Return the table of surfaces as they come."""
    runs = {name: ("--one", name, "--size", str(size), "--budget", budget) for name in EXTRACTION}
    found = report.rounds(__file__, runs, rounds)
    fastest = min(report.median(figures["seconds"]) for name, figures in found.items() if name != "ours")
    rows = []
    for name, figures in found.items():
        seconds = report.median(figures["seconds"])
        rows.append(
            (
                NAMES[name],
                f"{figures['triangles'][0] * 1e-6:.1f}",
                report.spread(figures["seconds"]),
                f"{size**3 / seconds * 1e-6:.1f}",
                f"{seconds / fastest:.2f}",
                f"{max(figures['above_mib']):.0f}",
            )
        )
    head = (f"extraction, {size}^3", "million triangles", "seconds", "Mvoxel/s", "of the fastest peer", "MiB above")
    return report.table(head, rows)


def whole(size: int, budget: str) -> str:
    """Return the table of all of it."""
    runs = {suffix: ("--one", suffix, "--size", str(size), "--budget", budget) for suffix in FILES}
    rows = []
    for suffix, lists in report.rounds(__file__, runs, 1).items():
        figures = {name: values[0] for name, values in lists.items()}
        rows.append(
            (
                FILES[suffix],
                f"{figures['surfaces']:.0f}, {figures['open']:.0f} not watertight",
                f"{figures['triangles'] * 1e-6:.2f}",
                f"{figures['error']:.2f}",
                f"{figures['seconds']:.0f}",
                f"{size**3 / figures['seconds'] * 1e-6:.2f}",
                f"{figures['above_mib']:.0f}",
            )
        )
    head = (f"to a file, {size}^3, budget {budget}", "surfaces", "million triangles", "largest error (voxels)")
    return report.table((*head, "seconds", "Mvoxel/s", "MiB above"), rows)


def main() -> None:
    """Run everything, or one contender."""
    options = report.arguments(__doc__, size=SIZE, budget=BUDGET, rounds=ROUNDS)
    if options.one:
        one(options.one, options.size, options.budget)
        return
    size, budget, rounds = (QUICK, QUICK_BUDGET, 1) if options.quick else (options.size, options.budget, options.rounds)
    parts = [extraction(size, budget, rounds), whole(size, budget)]
    report.write("mesh", "Meshes", parts, "numba", "zmesh", "vtk", "scikit-image", quick=options.quick)


if __name__ == "__main__":
    main()
