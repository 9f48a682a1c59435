"""Zarr to Zarr with a network that changes nothing, beside plain copies of the same chunks.

512^3 float32 in chunks of 128^3, in the default compression; patch, input chunk and output chunk are one. Ours
evaluates, blends, stores every chunk with its pyramid, and keeps a journal; the copies only copy.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import report
from tiled_brain import TiledBrain

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, CHUNK, ROUNDS = 512, 128, 5
QUICK_SIZE, QUICK_CHUNK = 64, 32


def ours(source: Path, target: Path, chunk: int, overlap: float = 0.0, **settings: int) -> None:
    """Run napari-seamless with the identity."""
    import napari_seamless

    napari_seamless.segment(
        source,
        lambda x: x,
        target,
        patch_size=chunk,
        overlap=overlap,
        border="edge",
        window="constant",
        chunk_size=chunk,
        write="probabilities",
        device="cpu",
        **settings,
    )


def ours_overlapping(source: Path, target: Path, chunk: int) -> None:
    """Run napari-seamless with an overlap of one half: eight times the patches."""
    ours(source, target, chunk, overlap=0.5)


def ours_sharded(source: Path, target: Path, chunk: int) -> None:
    """Run napari-seamless into shards of two chunks along every axis."""
    ours(source, target, chunk, shard_size=2 * chunk)


def loop(source: Path, target: Path, chunk: int) -> None:
    """Copy chunk by chunk."""
    image, copy = opened(source, target, chunk)
    for start in itertools.product(*(range(0, n, chunk) for n in image.shape)):
        place = tuple(slice(a, a + chunk) for a in start)
        copy[place] = image[place]


def whole(source: Path, target: Path, chunk: int) -> None:
    """Copy everything in one assignment: Zarr itself works on several chunks at once, the volume is in memory."""
    image, copy = opened(source, target, chunk)
    copy[...] = image[...]


def by_dask(source: Path, target: Path, chunk: int) -> None:
    """Copy with dask's threads."""
    import dask.array as da

    _, copy = opened(source, target, chunk)
    da.store(da.from_zarr(str(source)), copy, lock=False)


def opened(source: Path, target: Path, chunk: int) -> tuple:
    """Return the source, and an empty target of the same chunks."""
    import zarr

    image = zarr.open_array(source, mode="r")
    return image, zarr.create_array(target, shape=image.shape, chunks=(chunk,) * 3, dtype=image.dtype)


CONTENDERS: dict[str, Callable[[Path, Path, int], None]] = {
    "ours": ours,
    "ours_sharded": ours_sharded,
    "ours_overlapping": ours_overlapping,
    "loop": loop,
    "whole": whole,
    "dask": by_dask,
}
NAMES = {
    "ours": "napari-seamless",
    "ours_sharded": "napari-seamless, shards of 2 × 2 × 2 chunks",
    "ours_overlapping": "napari-seamless, overlap 0.5 (for information)",
    "loop": "copy, chunk by chunk",
    "whole": "copy, one assignment",
    "dask": "copy, dask's threads",
}


def contenders() -> list[str]:
    """Return the contenders; shards are a setting of their own."""
    from napari_seamless.recipe import RunSettings

    return [name for name in CONTENDERS if name != "ours_sharded" or "shard_size" in RunSettings.model_fields]


def one(name: str, source: Path, chunk: int) -> None:
    """Run one contender twice into a folder beside the source, and print the figures of the second time."""
    target = source.parent / name
    for _ in range(2):
        shutil.rmtree(target, ignore_errors=True)
        begin = time.perf_counter()
        CONTENDERS[name](source, target, chunk)
        seconds = time.perf_counter() - begin
    check(name, source, target)
    shutil.rmtree(target)
    report.finish(seconds=seconds)


def check(name: str, source: Path, target: Path) -> None:
    """Compare what was written with what was read."""
    import zarr

    copy = zarr.open_array(target / "0" if name.startswith("ours") else target, mode="r")
    image = zarr.open_array(source, mode="r")
    place = (slice(0, image.shape[0] // 2),) * 3
    np.testing.assert_allclose(np.asarray(copy[(..., *place)]).reshape(image[place].shape), image[place], rtol=1e-6)


def main() -> None:
    """Copy with every contender in turn, or with one."""
    options = report.arguments(__doc__, rounds=ROUNDS, source="", chunk=CHUNK)
    if options.one:
        one(options.one, Path(options.source), options.chunk)
        return
    import zarr

    n, size, chunk = (1, QUICK_SIZE, QUICK_CHUNK) if options.quick else (options.rounds, SIZE, CHUNK)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "image.zarr"
        image = zarr.create_array(source, shape=(size,) * 3, chunks=(chunk,) * 3, dtype="f4")
        image[...] = TiledBrain((size,) * 3, np.float32)[:]
        arguments = {name: ("--one", name, "--source", str(source), "--chunk", str(chunk)) for name in contenders()}
        figures = report.rounds(__file__, arguments, n)
    seconds = {name: report.median(figure["seconds"]) for name, figure in figures.items()}
    copies = ("loop", "whole", "dask")
    rows = [
        (
            NAMES[name],
            report.spread(figures[name]["seconds"]),
            f"{4 * size**3 / seconds[name] / 1e6:.0f}",
            *(f"{seconds[name] / seconds[copy]:.2f}" for copy in copies),
        )
        for name in seconds
    ]
    head = ("", "seconds, median (least–most)", "MB/s", *(f"ratio to {NAMES[copy]}" for copy in copies))
    text = (
        f"{size}^3 float32 in chunks of {chunk}^3, read from and written to one disk whose cache holds the input; each "
        "process runs twice and the second time counts. Ours writes a pyramid and a journal besides.\n"
    )
    packages = ("numpy", "zarr", "dask", "torch")
    report.write("storage", "Storage", [text, report.table(head, rows)], *packages, quick=options.quick)


if __name__ == "__main__":
    main()
