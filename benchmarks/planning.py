"""Time and memory to plan 10^6, 10^9 and 10^12 patches, find the first batch, and look up what a chunk needs.

Patches of 64^3, overlap 0.5, output chunks of 64^3. MONAI and Patchly list every patch, and chunked Patchly compares
every patch with every chunk: they are measured as far as they end.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import report

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH, STEP = 64, 32
SIDES = {"10^6": 100, "10^9": 1000, "10^12": 10_000}
"""Patches along each axis."""
PEER_SIDES = {"10^3": 10, "8·10^3": 20, "10^6": 100}
MOST = {"monai": 100, "patchly": 100, "patchly_chunked": 20}
"""Patches along each axis beyond which a peer is not tried."""
QUICK_MOST = 10


def length(side: int) -> int:
    """Return the voxels along an axis with this many patches."""
    return (side - 1) * STEP + PATCH


def ours(side: int) -> None:
    """Plan, take the first batch, and look up the patches of the chunk in the middle."""
    from napari_seamless.plan import Batches, make_plan

    plan = make_plan((length(side),) * 3, PATCH, 0.5, border="edge")
    if plan.n_patches != side**3 or len(Batches(plan)[0]) != 1:
        raise SystemExit("this is another grid")
    middle = tuple(n // 2 for n in plan.chunk_grid)
    ranges = plan.touching(plan.chunk_box(middle))
    list(plan.chunks_touching(plan.patch_box(tuple(r[0] for r in ranges))))


def monai(side: int) -> None:
    """List the slices of every patch, as the sliding window does."""
    from monai.data.utils import dense_patch_slices

    if len(dense_patch_slices((length(side),) * 3, (PATCH,) * 3, (STEP,) * 3)) != side**3:
        raise SystemExit("this is another grid")


def patchly(side: int, chunk: tuple[int, ...] | None = None) -> None:
    """Make a sampler and take its first box."""
    from patchly import GridSampler, SamplingMode

    sampler = GridSampler(
        None, (length(side),) * 3, (PATCH,) * 3, (STEP,) * 3, chunk_size=chunk, mode=SamplingMode.SAMPLE_EDGE
    )
    next(iter(sampler))
    if len(sampler) != side**3:
        raise SystemExit("this is another grid")


def patchly_chunked(side: int) -> None:
    """Make a sampler with chunks, which it wants larger than patches."""
    patchly(side, chunk=(2 * PATCH,) * 3)


CONTENDERS: dict[str, Callable[[int], None]] = {
    "ours": ours,
    "monai": monai,
    "patchly": patchly,
    "patchly_chunked": patchly_chunked,
}
NAMES = {"ours": "napari-seamless", "monai": "MONAI", "patchly": "Patchly", "patchly_chunked": "Patchly, chunked"}


def one(name: str, side: int) -> None:
    """Plan once for the time and once for the memory, which costs time to trace."""
    plan = CONTENDERS[name]
    plan(4)
    begin = time.perf_counter()
    plan(side)
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    plan(side)
    report.finish(seconds=seconds, peak_mib=tracemalloc.get_traced_memory()[1] / 2**20)


def main() -> None:
    """Plan every size with every contender, or one of them."""
    options = report.arguments(__doc__, side=0)
    if options.one:
        one(options.one, options.side)
        return
    rows = []
    for name in report.installed(list(CONTENDERS)):
        sides = SIDES if name == "ours" else PEER_SIDES
        most = MOST.get(name, max(SIDES.values()))
        for patches, side in sides.items():
            if side > most or (options.quick and side > QUICK_MOST and name != "ours"):
                continue
            run = report.in_process(__file__, "--one", name, "--side", str(side))
            if "failed" in run:
                raise SystemExit(f"{name}: {run['failed']}")
            rows.append((NAMES[name], patches, f"{1000 * run['seconds']:.2f}", f"{run['peak_mib']:.3f}"))
    text = (
        "Patches of 64^3 at a step of 32 in a cube; the time is that of one plan, imports excluded. MONAI and Patchly "
        "list every patch, and chunked Patchly compares every patch with every chunk.\n"
    )
    head = ("", "patches", "milliseconds", "peak MiB")
    packages = ("numpy", "monai", "patchly")
    report.write("planning", "Planning", [text, report.table(head, rows)], *packages, quick=options.quick)


if __name__ == "__main__":
    main()
