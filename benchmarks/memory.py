"""Peak memory for volumes from 0.25 to 16 gigavoxels: ours under a budget of 1 GiB, and the peers' as far as they get.

The input is one brain repeated lazily, the network sorts intensities into three classes, patches of 64^3 overlap by an
eighth, and labels go to Zarr. Every size and contender has a process of its own; peers may take `--limit-gib` of data.
"""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import report
import torch
from tiled_brain import TiledBrain

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH, STEP, CLASSES = 64, 56, 3
GRIDS = {"0.26": (9, 11, 11), "1.05": (17, 17, 17), "3.9": (27, 27, 27), "15.8": (43, 44, 44)}
"""Steps along each axis by gigavoxels: shapes that the grid fits exactly, so that all contenders have one grid."""
QUICK_GRIDS = {"0.01": (1, 1, 1), "0.02": (1, 1, 2)}
PEER_SECONDS = 1800


class Intensities(torch.nn.Module):
    """Three classes of intensities: below 70, 70 to 200, above 200; the scores are straight lines."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor([0.0, 1.0, 2.0]).reshape(1, CLASSES, 1, 1, 1))
        self.register_buffer("shift", torch.tensor([0.0, -70.0, -270.0]).reshape(1, CLASSES, 1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, 3, z, y, x)."""
        return torch.addcmul(self.shift, x, self.slope)


def ours(brain: TiledBrain, folder: Path) -> Any:
    """Run napari-seamless within its budget."""
    import napari_seamless

    return napari_seamless.segment(
        napari_seamless.open_volume(brain, axes="zyx"),
        Intensities(),
        folder / "labels.zarr",
        patch_size=PATCH,
        overlap=1 - STEP / PATCH,
        border="edge",
        chunk_size=PATCH,
        memory_budget="1GiB",
        device="cpu",
    ).array


def monai(brain: TiledBrain, folder: Path) -> Any:
    """Run MONAI over the whole volume in memory, as it asks for, and store the labels."""
    from monai.inferers import sliding_window_inference

    volume = torch.from_numpy(TiledBrain(brain.shape, np.float32)[:])[None, None]
    with torch.inference_mode():
        output = sliding_window_inference(volume, (PATCH,) * 3, 1, Intensities(), 1 - STEP / PATCH, mode="gaussian")
        labels = output[0].argmax(dim=0).to(torch.uint8).numpy()
    return stored(labels, folder)


def patchly(brain: TiledBrain, folder: Path) -> Any:
    """Run Patchly without chunks."""
    from patchly import Aggregator, GridSampler, SamplingMode

    sampler = GridSampler(None, brain.shape, (PATCH,) * 3, (STEP,) * 3, mode=SamplingMode.SAMPLE_EDGE)
    aggregator = Aggregator(
        sampler, output_size=(CLASSES, *brain.shape), spatial_first=False, weights="gaussian", softmax_dim=0
    )
    evaluate(brain, sampler, aggregator)
    return stored(aggregator.get_output(inplace=True).astype(np.uint8), folder)


def patchly_chunked(brain: TiledBrain, folder: Path) -> Any:
    """Run Patchly with chunks, which it wants larger than patches; its labels stay in memory until they are stored."""
    from patchly import Aggregator, GridSampler, SamplingMode

    chunk = (3 * PATCH // 2,) * 3
    sampler = GridSampler(None, brain.shape, (PATCH,) * 3, (STEP,) * 3, chunk_size=chunk, mode=SamplingMode.SAMPLE_EDGE)
    # 0.0.19 refuses arrays of Zarr 3.1
    output = np.zeros(brain.shape, np.uint8)
    aggregator = Aggregator(sampler, output=output, spatial_first=False, weights="gaussian", softmax_dim=0)
    evaluate(brain, sampler, aggregator)
    return stored(np.asarray(aggregator.get_output()), folder)


def evaluate(brain: TiledBrain, sampler: Any, aggregator: Any) -> None:
    """Pass every patch to Patchly's aggregator."""
    network = Intensities()
    with torch.inference_mode():
        for box in sampler:
            patch = torch.from_numpy(brain[tuple(slice(a, b) for a, b in box)].astype(np.float32))
            aggregator.append(network(patch[None, None])[0].numpy(), box)


def stored(labels: np.ndarray, folder: Path) -> Any:
    """Store labels as Zarr in chunks of the patch size; return the array."""
    import zarr

    array = zarr.create_array(folder / "labels.zarr", shape=labels.shape, chunks=(PATCH,) * 3, dtype="u1")
    array[:] = labels
    return array


CONTENDERS: dict[str, Callable[[TiledBrain, Path], Any]] = {
    "ours": ours,
    "monai": monai,
    "patchly": patchly,
    "patchly_chunked": patchly_chunked,
}
NAMES = {
    "ours": "napari-seamless, 1 GiB",
    "monai": "MONAI",
    "patchly": "Patchly",
    "patchly_chunked": "Patchly, chunked",
}


class DiskUse(threading.Thread):
    """Look at the size of a folder twice a second; `most` is the largest so far."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._folder = folder
        self._done = threading.Event()

    def run(self) -> None:
        """Look until `stop`."""
        while not self._done.wait(0.5):
            self.most = max(self.most, size_of(self._folder))

    def stop(self) -> None:
        """End the thread."""
        self._done.set()
        self.join()


def size_of(folder: Path) -> int:
    """Return the bytes that a folder takes on disk; files may vanish meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_blocks * 512  # noqa: PTH116, PTH118  many files
            except FileNotFoundError:
                continue
    return total


def one(name: str, steps: tuple[int, ...], limit_gib: float) -> None:
    """Run one contender over one size and print its figures."""
    if name != "ours":
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit_gib * 2**30),) * 2)
    brain = TiledBrain(tuple(n * STEP + PATCH for n in steps))
    with tempfile.TemporaryDirectory() as folder:
        CONTENDERS[name](TiledBrain((PATCH + STEP,) * 3), Path(folder))  # imports, and what is made once
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        disk = DiskUse(Path(folder))
        disk.start()
        begin = time.perf_counter()
        result = CONTENDERS[name](brain, Path(folder))
        seconds = time.perf_counter() - begin
        disk.stop()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stored_bytes = size_of(Path(folder))
        check(result, brain)
    report.finish(
        seconds=seconds,
        peak_mib=peak / 1024,
        above_mib=(peak - before) / 1024,
        disk_mib=stored_bytes / 2**20,
        scratch_mib=max(0, disk.most - stored_bytes) / 2**20,
    )


def check(labels: Any, brain: TiledBrain) -> None:
    """Compare a block in the middle with the definition of the classes."""
    place = tuple(slice(n // 2 - 20, n // 2 + 20) for n in brain.shape)
    truth = np.digitize(brain[place], [70.5, 200.5])
    if not np.mean(np.asarray(labels[place]) == truth) > 0.999:
        raise SystemExit("the labels are not those of the network")


def row(name: str, gigavoxels: str, steps: tuple[int, ...], limit_gib: float) -> tuple[str, ...]:
    """Run one contender over one size; return its row of the table."""
    options = ("--one", name, "--grid", ",".join(map(str, steps)), "--limit-gib", str(limit_gib))
    run = report.in_process(__file__, *options, seconds=None if name == "ours" else PEER_SECONDS)
    shape = " × ".join(str(n * STEP + PATCH) for n in steps)
    if "failed" in run:
        lack = any(word in run["failed"].lower() for word in ("memory", "alloc", "signal 9"))
        reason = f"does not fit in {limit_gib:g} GiB" if lack else run["failed"]
        return (NAMES[name], gigavoxels, shape, reason, "", "", "", "")
    speed = np.prod([n * STEP + PATCH for n in steps]) / run["seconds"] / 1e6
    return (
        NAMES[name],
        gigavoxels,
        shape,
        f"{run['peak_mib']:.0f}",
        f"{run['above_mib']:.0f}",
        f"{run['disk_mib']:.0f}",
        f"{run['scratch_mib']:.0f}",
        f"{run['seconds']:.0f} s, {speed:.0f} Mvoxel/s",
    )


def main() -> None:
    """Run every size and contender, or one of them."""
    options = report.arguments(__doc__, grid="", limit_gib=12.0, most_gigavoxels=16.0)
    if options.one:
        one(options.one, tuple(map(int, options.grid.split(","))), options.limit_gib)
        return
    grids = QUICK_GRIDS if options.quick else GRIDS
    grids = {name: steps for name, steps in grids.items() if float(name) <= options.most_gigavoxels}
    head = (
        "",
        "gigavoxels",
        "shape",
        "peak MiB",
        "of it above the start",
        "labels on disk, MiB",
        "scratch beside them, at most MiB",
        "time",
    )
    rows, lost = [], set()
    for name in report.installed(list(CONTENDERS)):
        for gigavoxels, steps in grids.items():
            if name in lost:
                rows.append((NAMES[name], gigavoxels, "", "not tried", "", "", "", ""))
                continue
            rows.append(row(name, gigavoxels, steps, options.limit_gib))
            if rows[-1][-1] == "":
                lost.add(name)
    text = (
        f"Patches of {PATCH}^3, step {STEP}, three classes, labels in Zarr (compressed). The peak is the process's "
        f"largest resident memory, Python and torch included; ours may use 1 GiB beside them, peers may take "
        f"{options.limit_gib:g} GiB.\n"
    )
    packages = ("torch", "numpy", "zarr", "monai", "patchly")
    report.write("memory", "Memory", [text, report.table(head, rows)], *packages, quick=options.quick)


if __name__ == "__main__":
    main()
