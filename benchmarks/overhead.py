"""What tiling costs above the network: ours beside MONAI, Patchly, tiler and TorchIO in one run.

A 256^3 float32 volume in memory, patches of 64^3, overlap 0.5, gaussian window, 4 classes, labels by the largest
weighted mean; once with an identity network (four classes made from the input by one multiplication) and once with a
small U-Net. Every contender ends with labels, and they are compared once. Each runs in a process of its own, in turn
with the others, and over a small volume first: imports are not measured.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import report
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, PATCH, STEP, CLASSES = 256, 64, 32, 4
ROUNDS = 5
QUICK_SIZE = 96
LANES = os.cpu_count() or 1


class Identity(torch.nn.Module):
    """Four classes from the input, as cheaply as four classes can be made."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factors", torch.linspace(1, -1, CLASSES).reshape(1, CLASSES, 1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, 4, z, y, x)."""
        return x * self.factors


def small_unet() -> torch.nn.Module:
    """Return a U-Net of some 20 ms a patch, with random weights."""
    from monai.networks.nets import UNet

    torch.manual_seed(0)
    return UNet(3, 1, CLASSES, channels=(8, 16, 32), strides=(2, 2)).eval()


def n_patches(size: int) -> int:
    """Return the patches of every contender."""
    return ((size - PATCH) // STEP + 1) ** 3


def forward_alone(volume: torch.Tensor, network: torch.nn.Module) -> None:
    """Evaluate as many patches as a run does, and nothing else, with torch's own number of threads."""
    patch = volume[:PATCH, :PATCH, :PATCH][None, None].contiguous()
    for _ in range(n_patches(len(volume))):
        network(patch)


def forward_lanes(volume: torch.Tensor, network: torch.nn.Module) -> None:
    """Evaluate as many patches on all cores, each core a patch of its own: the most that this machine can do."""
    patch = volume[:PATCH, :PATCH, :PATCH][None, None].contiguous()

    def lane(patches: int) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():  # a thread's own
            for _ in range(patches):
                network(patch)

    share, rest = divmod(n_patches(len(volume)), LANES)
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lane, [share + (i < rest) for i in range(LANES)]))


def ours(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run napari-seamless."""
    import napari_seamless

    result = napari_seamless.segment(
        volume.numpy(), network, patch_size=PATCH, overlap=0.5, border="edge", window="gaussian", device="cpu"
    )
    return np.asarray(result.array)


def ours_own_loop(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run a loop of one's own over our sampler and aggregator."""
    from napari_seamless import Aggregator, GridSampler, SamplingMode

    sampler = GridSampler(
        volume.numpy(), volume.shape, (PATCH,) * 3, (STEP,) * 3, spatial_first=False, mode=SamplingMode.SAMPLE_EDGE
    )
    aggregator = Aggregator(sampler, (CLASSES, *volume.shape), weights="gaussian", softmax_dim=0, spatial_first=False)
    for patch, box in sampler:
        aggregator.append(network(torch.from_numpy(np.ascontiguousarray(patch))[None, None])[0].numpy(), box)
    return np.asarray(aggregator.get_output())


def monai(volume: torch.Tensor, network: torch.nn.Module, buffer_steps: int | None = None) -> np.ndarray:
    """Run MONAI's sliding window."""
    from monai.inferers import sliding_window_inference

    output = sliding_window_inference(
        volume[None, None], (PATCH,) * 3, 1, network, 0.5, mode="gaussian", buffer_steps=buffer_steps, buffer_dim=0
    )
    return output[0].argmax(dim=0).to(torch.uint8).numpy()


def monai_buffered(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run MONAI's sliding window with a buffer."""
    return monai(volume, network, buffer_steps=1)


def patchly(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run Patchly; with `softmax_dim` it takes the largest sum and keeps no weights."""
    from patchly import Aggregator, GridSampler, SamplingMode

    sampler = GridSampler(
        volume.numpy(), volume.shape, (PATCH,) * 3, (STEP,) * 3, spatial_first=False, mode=SamplingMode.SAMPLE_EDGE
    )
    aggregator = Aggregator(
        sampler, output_size=(CLASSES, *volume.shape), spatial_first=False, weights="gaussian", softmax_dim=0
    )
    for patch, box in sampler:
        aggregator.append(network(torch.from_numpy(patch)[None, None])[0].numpy(), box)
    return aggregator.get_output(inplace=True).astype(np.uint8)


def patchly_chunked(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run Patchly chunk by chunk: blocks of labels, made by two threads beside the loop."""
    from patchly import Aggregator, GridSampler, SamplingMode

    sampler = GridSampler(
        volume.numpy(),
        volume.shape,
        (PATCH,) * 3,
        (STEP,) * 3,
        chunk_size=(min(128, len(volume)),) * 3,
        spatial_first=False,
        mode=SamplingMode.SAMPLE_EDGE,
    )
    output = np.zeros(volume.shape, np.uint8)
    aggregator = Aggregator(sampler, output=output, spatial_first=False, weights="gaussian", softmax_dim=0)
    for patch, box in sampler:
        aggregator.append(network(torch.from_numpy(patch)[None, None])[0].numpy(), box)
    return np.asarray(aggregator.get_output())


def tiler(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run tiler with the gaussian of the others, and without its optional count of visits."""
    from tiler import Merger, Tiler

    tiles = Tiler(data_shape=(1, *volume.shape), tile_shape=(1, *(PATCH,) * 3), overlap=0.5, channel_dimension=0)
    merged = Tiler(
        data_shape=(CLASSES, *volume.shape), tile_shape=(CLASSES, *(PATCH,) * 3), overlap=0.5, channel_dimension=0
    )
    merger = Merger(merged, window=np.broadcast_to(gaussian(), (CLASSES, *(PATCH,) * 3)), save_visits=False)
    for index, patch in tiles.iterate(volume.numpy()[None]):
        merger.add(index, network(torch.from_numpy(np.ascontiguousarray(patch))[None])[0].numpy())
    return merger.merge(unpad=True).argmax(axis=0).astype(np.uint8)


def gaussian() -> np.ndarray:
    """Return the window with a standard deviation of an eighth of the patch."""
    axis = np.exp(-0.5 * ((np.arange(PATCH) - (PATCH - 1) / 2) / (PATCH / 8)) ** 2)
    return np.maximum(axis[:, None, None] * axis[:, None] * axis, 1e-3).astype(np.float32)


def torchio(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run TorchIO's grid sampler and aggregator with the Hann window, which is its smooth one."""
    import torchio as tio

    subject = tio.Subject(image=tio.ScalarImage(tensor=volume[None]))
    sampler = tio.GridSampler(subject, PATCH, PATCH - STEP)
    aggregator = tio.GridAggregator(sampler, overlap_mode="hann")
    for patch in sampler:
        aggregator.add_batch(network(patch["image"].data[None]), patch[tio.LOCATION][None])
    return aggregator.get_output_tensor().argmax(dim=0).to(torch.uint8).numpy()


CONTENDERS: dict[str, Callable[[torch.Tensor, torch.nn.Module], np.ndarray | None]] = {
    "forward_alone": forward_alone,
    "forward_lanes": forward_lanes,
    "ours": ours,
    "ours_own_loop": ours_own_loop,
    "monai": monai,
    "monai_buffered": monai_buffered,
    "patchly": patchly,
    "patchly_chunked": patchly_chunked,
    "tiler": tiler,
    "torchio": torchio,
}
NAMES = {
    "forward_alone": "forward passes alone, torch's threads",
    "forward_lanes": f"forward passes alone, {LANES} at a time with one thread each",
    "ours": "napari-seamless",
    "ours_own_loop": "napari-seamless, a loop of one's own",
    "monai": "MONAI",
    "monai_buffered": "MONAI, buffer_steps=1",
    "patchly": "Patchly",
    "patchly_chunked": "Patchly, chunked",
    "tiler": "tiler",
    "torchio": "TorchIO (Hann window)",
}


def one(name: str, network_name: str, size: int, labels: str) -> None:
    """Run one contender and print its figures; keep its labels where a file is named."""
    torch.manual_seed(0)
    volume = torch.rand(size, size, size) - 0.5
    network = Identity() if network_name == "identity" else small_unet()
    with torch.inference_mode():
        # imports, and what is made once, are no part of the tiling
        CONTENDERS[name](volume[:QUICK_SIZE, :QUICK_SIZE, :QUICK_SIZE].clone(), network)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin = time.perf_counter()
        result = CONTENDERS[name](volume, network)
        seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if labels and result is not None:
        np.save(labels, result)
    report.finish(seconds=seconds, peak_mib=peak / 1024)


def agreement(network_name: str, names: list[str], size: int) -> tuple[dict[str, float], float]:
    """Return the share of voxels with MONAI's label for each contender, and that of the most frequent label."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = str(Path(folder) / name)
            done = report.in_process(__file__, *options_of(name, network_name, size), "--labels", path)
            if "failed" in done:
                raise SystemExit(f"{name}: {done['failed']}")
        labels = {name: np.load(Path(folder) / f"{name}.npy") for name in names}
    truth = labels["monai"] if "monai" in labels else labels[names[0]]
    return {name: float((found == truth).mean()) for name, found in labels.items()}, float(
        np.bincount(truth.ravel()).max() / truth.size
    )


def options_of(name: str, network: str, size: int) -> tuple[str, ...]:
    return ("--one", name, "--network", network, "--size", str(size))


def compare(network: str, n: int, size: int) -> str:
    """Run all contenders in turn and return the table."""
    names = report.installed(list(CONTENDERS))
    tiling = [name for name in names if not name.startswith("forward")]
    equal, most = agreement(network, tiling, size)
    figures = report.rounds(__file__, {name: options_of(name, network, size) for name in names}, n)
    seconds = {name: report.median(figure["seconds"]) for name, figure in figures.items()}
    alone, lanes = seconds["forward_alone"], seconds["forward_lanes"]
    above = {name: (s - alone) / n_patches(size) * 1000 for name, s in seconds.items()}
    rows = [
        (
            NAMES[name],
            report.spread(figures[name]["seconds"]),
            f"{above[name]:.2f}",
            f"{seconds[name] / alone:.2f}",
            f"{seconds[name] / lanes:.2f}",
            f"{report.median(figures[name]['peak_mib']):.0f}",
            f"{100 * equal[name]:.3f}" if name in equal else "",
        )
        for name in names
    ]
    head = (
        "",
        "seconds, median (least–most)",
        "ms a patch above the network",
        "wall / forward passes alone",
        f"wall / forward passes {LANES} at a time",
        "peak MiB above the input",
        "labels equal to MONAI's, %",
    )
    peers = [name for name in tiling if not name.startswith("ours")]
    best = min(peers, key=lambda name: above[name], default="ours")
    text = (
        f"Median of {n} rounds, {n_patches(size)} patches. The best peer is {NAMES[best]} with {above[best]:.2f} ms a "
        f"patch above the network; ours is {above['ours']:.2f} ms. The most frequent label has "
        f"{100 * most:.0f}% of the voxels. Patchly centres its gaussian on a voxel and TorchIO has none: labels differ "
        "where two classes are close.\n"
    )
    return f"### {network}\n\n" + report.table(head, rows) + "\n" + text


def main() -> None:
    """Compare all contenders, or run one."""
    options = report.arguments(__doc__, network="identity", rounds=ROUNDS, size=SIZE, labels="")
    if options.one:
        one(options.one, options.network, options.size, options.labels)
        return
    n, size = (1, QUICK_SIZE) if options.quick else (options.rounds, options.size)
    parts = [compare(network, n, size) for network in ("identity", "small U-Net")]
    text = f"{size}^3 float32 in memory, patches of {PATCH}^3, overlap 0.5, gaussian, {CLASSES} classes, labels out.\n"
    packages = ("torch", "numpy", "monai", "patchly", "tiler", "torchio")
    report.write("overhead", "Overhead of tiling", [text, *parts], *packages, quick=options.quick)


if __name__ == "__main__":
    main()
