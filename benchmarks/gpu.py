"""A usual U-Net on a GPU: wall time over pure forward time, use of the GPU, and device memory over two volume sizes.

MONAI's DynUNet as nnU-Net builds it, patches of 128^3, overlap 0.5, a float32 volume of 512^3, labels out; beside
MONAI's sliding window with the sums on the CPU and on the device.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import report
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH, STEP, CLASSES, ROUNDS = 128, 64, 3, 3
SIZES = (384, 512)
QUICK_SIZES = (128, 192)


def network() -> torch.nn.Module:
    """Return a DynUNet with six levels, as nnU-Net builds them for patches of 128^3."""
    from monai.networks.nets import DynUNet

    torch.manual_seed(0)
    kernels = [[3, 3, 3]] * 6
    strides = [[1, 1, 1], *[[2, 2, 2]] * 5]
    return DynUNet(3, 1, CLASSES, kernels, strides, strides[1:], filters=[32, 64, 128, 256, 320, 320]).eval().cuda()


def n_patches(size: int) -> int:
    """Return the patches of every contender."""
    return ((size - PATCH) // STEP + 1) ** 3


def forward_alone(volume: np.ndarray, net: torch.nn.Module) -> None:
    """Evaluate as many patches as a run does on a patch that stays on the device."""
    patch = torch.from_numpy(volume[:PATCH, :PATCH, :PATCH].copy())[None, None].cuda()
    for _ in range(n_patches(len(volume))):
        net(patch)
    torch.cuda.synchronize()


def ours(volume: np.ndarray, net: torch.nn.Module) -> np.ndarray:
    """Run napari-seamless in float32."""
    import napari_seamless

    options = {"patch_size": PATCH, "overlap": 0.5, "border": "edge", "device": "cuda"}
    return np.asarray(napari_seamless.segment(volume, net, **options).array)


def monai(volume: np.ndarray, net: torch.nn.Module, device: str = "cpu") -> np.ndarray:
    """Run MONAI's sliding window with the sums on a device."""
    from monai.inferers import sliding_window_inference

    image = torch.from_numpy(volume)[None, None]
    output = sliding_window_inference(
        image, (PATCH,) * 3, 1, net, 0.5, mode="gaussian", sw_device="cuda", device=torch.device(device)
    )
    return output[0].argmax(dim=0).to(torch.uint8).cpu().numpy()


def monai_device(volume: np.ndarray, net: torch.nn.Module) -> np.ndarray:
    """Run MONAI's sliding window with the sums on the GPU."""
    return monai(volume, net, "cuda")


CONTENDERS: dict[str, Callable[[np.ndarray, torch.nn.Module], np.ndarray | None]] = {
    "forward_alone": forward_alone,
    "ours": ours,
    "monai": monai,
    "monai_device": monai_device,
}
NAMES = {
    "forward_alone": "forward passes alone",
    "ours": "napari-seamless",
    "monai": "MONAI, sums on the CPU",
    "monai_device": "MONAI, sums on the GPU",
}


class Utilisation(threading.Thread):
    """Ask the driver ten times a second how busy the GPU is; NaN where it does not tell."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._seen: list[int] = []
        self._done = threading.Event()

    def run(self) -> None:
        """Ask until `mean`."""
        while not self._done.wait(0.1):
            try:
                self._seen.append(torch.cuda.utilization())
            except (ImportError, RuntimeError):  # pynvml is not there, or is refused
                return

    def mean(self) -> float:
        """End the thread and return the mean in percent."""
        self._done.set()
        self.join()
        return float(np.mean(self._seen)) if self._seen else float("nan")


def one(name: str, size: int) -> None:
    """Run one contender and print its figures."""
    net, rng = network(), np.random.default_rng(0)
    with torch.inference_mode():
        CONTENDERS[name](rng.random((PATCH + STEP,) * 3, np.float32), net)  # imports, kernels, memory pools
        volume = rng.random((size,) * 3, np.float32)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        busy = Utilisation()
        busy.start()
        begin = time.perf_counter()
        CONTENDERS[name](volume, net)
        seconds = time.perf_counter() - begin
    report.finish(seconds=seconds, busy=busy.mean(), peak_mib=torch.cuda.max_memory_reserved() / 2**20)


def compare(size: int, n: int) -> str:
    """Run all contenders in turn over one size and return the table."""
    names = report.installed(list(CONTENDERS))
    figures = report.rounds(__file__, {name: ("--one", name, "--size", str(size)) for name in names}, n)
    alone = report.median(figures["forward_alone"]["seconds"])
    rows = [
        (
            NAMES.get(name, name),
            report.spread(figure["seconds"]),
            f"{report.median(figure['seconds']) / alone:.3f}",
            f"{report.median(figure['busy']):.0f}",
            f"{report.median(figure['peak_mib']):.0f}",
        )
        for name, figure in figures.items()
    ]
    head = ("", "seconds, median (least–most)", "wall / forward passes alone", "GPU busy, %", "peak device MiB")
    return f"### {size}^3, {n_patches(size)} patches\n\n" + report.table(head, rows)


def main() -> None:
    """Compare all contenders, or run one, where there is a GPU."""
    options = report.arguments(__doc__, size=SIZES[-1], rounds=ROUNDS)
    if options.one:
        one(options.one, options.size)
        return
    packages = ("torch", "numpy", "monai")
    if not torch.cuda.is_available():
        text = "This machine has no GPU that torch can use, so nothing was measured here.\n"
        report.write("gpu", "GPU", [text], *packages, quick=options.quick)
        return
    sizes, n = (QUICK_SIZES, 1) if options.quick else (SIZES, options.rounds)
    text = f"{torch.cuda.get_device_name()}; float32, patches of {PATCH}^3, overlap 0.5, {CLASSES} classes.\n"
    parts = [text, *(compare(size, n) for size in sizes)]
    report.write("gpu", "GPU", parts, *packages, quick=options.quick)


if __name__ == "__main__":
    main()
