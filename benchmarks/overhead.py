"""What tiling costs above the network: ours beside MONAI, Patchly, tiler and TorchIO in one run.

A 256^3 float32 volume in memory, patches of 64^3, overlap 0.5, gaussian window, 4 classes, argmax labels; once with an
identity network (four classes made from the input by one multiplication) and once with a small U-Net.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import TYPE_CHECKING

import numpy as np
import report
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, PATCH, STEP, CLASSES = 256, 64, 32, 4
PATCHES = ((SIZE - PATCH) // STEP + 1) ** 3
ROUNDS = 5


class Identity(torch.nn.Module):
    """Four classes from the input, as cheaply as four classes can be made."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factors", torch.linspace(1, -1, CLASSES).reshape(1, CLASSES, 1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, 4, z, y, x)."""
        return x * self.factors


def small_unet() -> torch.nn.Module:
    """Return a U-Net of about 13 ms a patch on two cores."""
    from monai.networks.nets import UNet

    torch.manual_seed(0)
    return UNet(3, 1, CLASSES, channels=(8, 16, 32), strides=(2, 2)).eval()


def pure(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run the forward passes alone."""
    patch = volume[:PATCH, :PATCH, :PATCH][None, None].contiguous()
    for _ in range(PATCHES):
        network(patch)
    return np.zeros(1)


def ours(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run napari-seamless."""
    import napari_seamless

    result = napari_seamless.segment(
        volume.numpy(), network, patch_size=PATCH, overlap=0.5, border="edge", window="gaussian", device="cpu"
    )
    return np.asarray(result.array)


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
    """Run Patchly."""
    from patchly import Aggregator, GridSampler, SamplingMode

    sampler = GridSampler(
        volume.numpy(), (SIZE,) * 3, (PATCH,) * 3, (STEP,) * 3, spatial_first=False, mode=SamplingMode.SAMPLE_EDGE
    )
    aggregator = Aggregator(sampler, output_size=(CLASSES, *volume.shape), spatial_first=False, weights="gaussian")
    for patch, box in sampler:
        aggregator.append(network(torch.from_numpy(patch)[None, None])[0].numpy(), box)
    return aggregator.get_output().argmax(axis=0).astype(np.uint8)


def patchly_chunked(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run Patchly chunk by chunk."""
    from patchly import Aggregator, GridSampler, SamplingMode

    sampler = GridSampler(
        volume.numpy(),
        (SIZE,) * 3,
        (PATCH,) * 3,
        (STEP,) * 3,
        chunk_size=(128,) * 3,
        spatial_first=False,
        mode=SamplingMode.SAMPLE_EDGE,
    )
    output = np.zeros(volume.shape, np.uint8)
    aggregator = Aggregator(sampler, output=output, spatial_first=False, weights="gaussian", softmax_dim=0)
    for patch, box in sampler:
        aggregator.append(network(torch.from_numpy(patch)[None, None])[0].numpy(), box)
    return np.asarray(aggregator.get_output())


def tiler(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run tiler."""
    from tiler import Merger, Tiler

    tiles = Tiler(data_shape=(1, *volume.shape), tile_shape=(1, *(PATCH,) * 3), overlap=0.5, channel_dimension=0)
    merger = Merger(
        Tiler(
            data_shape=(CLASSES, *volume.shape), tile_shape=(CLASSES, *(PATCH,) * 3), overlap=0.5, channel_dimension=0
        ),
        window="parzen",
    )
    for index, patch in tiles.iterate(volume.numpy()[None]):
        merger.add(index, network(torch.from_numpy(np.ascontiguousarray(patch))[None])[0].numpy())
    return merger.merge(unpad=True).argmax(axis=0).astype(np.uint8)


def torchio(volume: torch.Tensor, network: torch.nn.Module) -> np.ndarray:
    """Run TorchIO's grid sampler and aggregator (hann window, which is its smooth one)."""
    import torchio as tio

    subject = tio.Subject(image=tio.ScalarImage(tensor=volume[None]))
    sampler = tio.GridSampler(subject, PATCH, PATCH - STEP)
    aggregator = tio.GridAggregator(sampler, overlap_mode="hann")
    for patch in sampler:
        aggregator.add_batch(network(patch["image"].data[None]), patch[tio.LOCATION][None])
    return aggregator.get_output_tensor().argmax(dim=0).to(torch.uint8).numpy()


CONTENDERS: dict[str, Callable[[torch.Tensor, torch.nn.Module], np.ndarray]] = {
    "pure": pure,
    "ours": ours,
    "monai": monai,
    "monai_buffered": monai_buffered,
    "patchly": patchly,
    "patchly_chunked": patchly_chunked,
    "tiler": tiler,
    "torchio": torchio,
}


def one(name: str, network_name: str) -> None:
    """Run one contender and print its figures as JSON."""
    torch.manual_seed(0)
    volume = torch.rand(SIZE, SIZE, SIZE)
    network = Identity() if network_name == "identity" else small_unet()
    with torch.inference_mode():
        for _ in range(3):
            network(volume[None, None, :PATCH, :PATCH, :PATCH])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin = time.perf_counter()
        CONTENDERS[name](volume, network)
        seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "peak_mib": peak / 1024}))


def compare(network_name: str, names: list[str], n: int) -> str:
    """Run all contenders in turn and return the table."""
    medians = report.rounds(__file__, {name: ("--one", name, "--network", network_name) for name in names}, n)
    alone = medians["pure"]["seconds"]
    rows = []
    for name, figure in medians.items():
        overhead = (figure["seconds"] - alone) / PATCHES * 1000
        rows.append(
            (
                name,
                f"{figure['seconds']:.2f}",
                f"{overhead:.2f}",
                f"{figure['seconds'] / alone:.2f}",
                f"{figure['peak_mib']:.0f}",
            )
        )
    head = (
        "contender",
        "seconds",
        "ms a patch above the network",
        "wall / forward passes alone",
        "peak MiB above the input",
    )
    return f"## {network_name}\n\n" + report.table(head, rows)


def main() -> None:
    """Compare all contenders, or run one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one")
    parser.add_argument("--network", default="identity")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS))
    options = parser.parse_args()
    if options.one:
        one(options.one, options.network)
        return
    tables = [compare(network, options.only, options.rounds) for network in ("identity", "small U-Net")]
    report.write("overhead", "Overhead of tiling", tables, "torch", "numpy", "monai", "patchly", "tiler", "torchio")


if __name__ == "__main__":
    main()
