"""OSS-Net: coordinates per second beside the published formulation, whole volumes, and the memory of a training step.

The published formulation runs two 7^3 convolutions on the 7^3 patch of every coordinate, with the activation as its
equation is written; the second peer has the same convolutions with our fused activation. Weights are random: time
does not depend on them, and the threshold is chosen so that the given share of the coarse lattice is kept. Contenders
have processes of their own and a small call first.
"""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING, Any

import report
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = ("oss_net_A_bra_ts", "oss_net_C2_bra_ts", "oss_net_full2_lits", "vanilla_o_net_bra_ts")
QUICK = ("oss_net_C2_bra_ts",)
EDGE, COORDINATES, ROUNDS = 64, 16384, 3
PUBLISHED_COORDINATES = 2048
DENSE = (128, 256)
KEPT = 0.04
TRAINED = (64, 96, 128, 160)
TRAIN_COORDINATES = 2048


def case(name: str, edge: int, n: int) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return network, volume, latent vectors and the coordinates of the middle of a dense grid."""
    from napari_seamless.models.oss_net import OSSNet

    torch.manual_seed(0)
    network = OSSNet.from_settings(name).eval()
    settings = network.settings
    volume = torch.randn(settings.channels, edge, edge, edge)
    latent = torch.randn(1, settings.latent_vectors, settings.latent_length)
    axis = torch.arange(edge)
    points = torch.cartesian_prod(axis, axis, axis)
    middle = (len(points) - n) // 2
    return network, volume, latent, points[middle : middle + n]


def speed(name: str, how: str, n: int) -> dict[str, float]:
    """Measure coordinates per second, in one of three ways."""
    from napari_seamless.models.oss_net.reference import reference_occupancy, with_powers

    network, volume, latent, points = case(name, EDGE, n)
    answer: Callable[[torch.Tensor], torch.Tensor]
    if how == "ours":
        answer = lambda part: network.occupancy(volume, part, latent)  # noqa: E731
    else:
        if how == "published":
            with_powers(network)
        answer = lambda part: reference_occupancy(network, volume, part, latent)  # noqa: E731
    size = n if how == "ours" else 256
    answer(points[:256])
    begin = time.perf_counter()
    for part in torch.split(points, size):
        answer(part)
    return {"speed": n / (time.perf_counter() - begin)}


def parts(name: str, n: int) -> dict[str, float]:
    """Measure encoder (seconds a volume), gather, patch map and decoder (microseconds a coordinate)."""
    from napari_seamless.models.oss_net.patches import region_around
    from napari_seamless.models.oss_net.tiles import tiles

    network, volume, latent, points = case(name, EDGE, n)
    settings = network.settings
    low = torch.randn(settings.channels, *settings.encoder_size)
    figures = {"encoder": _seconds(lambda: network.encode(low))}
    decoder = network.inference(latent)
    pooling = settings.large_patch_pooling if settings.large_patches else None
    seen = torch.zeros(n, 0)
    with torch.no_grad():
        if decoder._patches is not None:
            cuts = list(tiles(points))
            gather = _seconds(lambda: [region_around(volume, points[tile], pooling) for tile in cuts])
            regions = [region_around(volume, points[tile], pooling) for tile in cuts]
            mapped = lambda: [  # noqa: E731
                decoder._patches(region, points[chunk])
                for tile, region in zip(cuts, regions, strict=True)
                for chunk in torch.split(tile, decoder._chunk)
            ]
            figures |= {"gather": 1e6 * gather / n, "patch_map": 1e6 * _seconds(mapped) / n}
            seen = torch.cat(mapped())
        known = torch.cat([network.decoder.coordinate_features(points.float()), seen], 1)
        decode = lambda: [decoder._in_place(part) for part in torch.split(known, decoder._chunk)]  # noqa: E731
        figures["decoder"] = 1e6 * _seconds(decode) / n
    return figures


def dense(name: str, edge: int) -> dict[str, float]:
    """Segment a whole cube from coarse to fine, keeping a share of the coarse lattice."""
    network, volume, latent, _ = case(name, edge, 8)
    axis = torch.arange(0, edge, max(4, edge // 24 // 4 * 4))
    coarse = network.occupancy(volume, torch.cartesian_prod(axis, axis, axis), latent)
    threshold = float(coarse.quantile(1 - KEPT))
    low = torch.nn.functional.interpolate(volume[None], size=network.settings.encoder_size, mode="trilinear")[0]
    network.encode = lambda _: (latent, None)  # the encoder was measured apart
    before, begin = _peak(), time.perf_counter()
    inside = network.segment(low, volume, threshold=min(max(threshold, 0.0), 1.0))
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "inside": float(inside.float().mean()), "above_mib": _peak() - before}


def training(kind: str, edge: int) -> dict[str, float]:
    """Take two steps of a training on a cube, one volume at a time, and return the memory above the start."""
    torch.manual_seed(0)
    begin = _peak()
    step = _unet_step(edge) if kind == "unet" else _occupancy_step(kind, edge)
    step()
    step()
    return {"above_mib": _peak() - begin}


def _occupancy_step(name: str, edge: int) -> Callable[[], None]:
    from napari_seamless.models.oss_net import OSSNet, gather_patches

    latent = tuple(max(1, edge // 2 // 16) for _ in range(3))
    network = OSSNet.from_settings(name, channels=1, latent_grid=latent)
    optimiser = torch.optim.RAdam(network.parameters(), 3e-4)
    volume = torch.randn(1, edge, edge, edge)
    low = torch.nn.functional.avg_pool3d(volume[None], 2)
    points = torch.randint(0, edge, (TRAIN_COORDINATES, 3))
    truth = (volume[0][tuple(points.T)] > 0).float()[None, :, None]

    def step() -> None:
        optimiser.zero_grad()
        pooling = network.settings.large_patch_pooling if network.settings.large_patches else None
        patches = gather_patches(volume, points, pooling)[None] if network.settings.local_patches else None
        found, _ = network(low, points[None].float(), patches)
        torch.nn.functional.binary_cross_entropy(found, truth).backward()
        optimiser.step()

    return step


def _unet_step(edge: int) -> Callable[[], None]:
    from napari_seamless.models import make_unet

    network = make_unet(1, 2, channels=(16, 32, 64, 128)).train()
    optimiser = torch.optim.RAdam(network.parameters(), 3e-4)
    volume = torch.randn(1, 1, edge, edge, edge)
    truth = (volume[:, 0] > 0).long()

    def step() -> None:
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(volume), truth).backward()
        optimiser.step()

    return step


def _seconds(call: Callable[[], object]) -> float:
    call()
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(what: str) -> None:
    """Run one contender, named KIND:NAME:NUMBER, and print its figures."""
    kind, name, number = what.split(":")
    if kind in {"ours", "published", "fused"}:
        n = int(number)
        figures = speed(name, kind, n)
    elif kind == "parts":
        figures = parts(name, int(number))
    elif kind == "dense":
        figures = dense(name, int(number))
    else:
        figures = training(name, int(number))
    report.finish(**figures)


def speed_table(names: tuple[str, ...], n: int, published: int, rounds: int) -> str:
    """Return coordinates per second, ours and the published formulation in turn."""
    kinds = {"ours": n, "published": published, "fused": published}
    runs = {f"{k}:{name}": ("--one", f"{k}:{name}:{size}") for name in names for k, size in kinds.items()}
    found = report.rounds(__file__, runs, rounds)
    rows = []
    for name in names:
        ours, slow, fused = (report.median(found[f"{kind}:{name}"]["speed"]) for kind in kinds)
        rows.append(
            (name, f"{ours:,.0f}", f"{slow:,.0f}", f"{fused:,.0f}", f"{ours / slow:.1f}", f"{ours / fused:.1f}")
        )
    head = ("coordinates per second", "ours", "published formulation", "the same, activation fused", "ratio", "ratio")
    return report.table(head, rows)


def parts_table(names: tuple[str, ...], n: int) -> str:
    """Return what the parts take."""
    found = report.rounds(__file__, {name: ("--one", f"parts:{name}:{n}") for name in names}, 1)
    rows = []
    for name, figures in found.items():
        cells = [f"{figures[key][0]:.1f}" if key in figures else "-" for key in ("gather", "patch_map", "decoder")]
        rows.append((name, f"{figures['encoder'][0]:.2f}", *cells))
    head = ("parts of ours", "encoder, s a volume", "gather, us a coordinate", "patch map, us", "decoder, us")
    return report.table(head, rows)


def dense_table(edges: tuple[int, ...]) -> str:
    """Return whole volumes."""
    names = ("oss_net_A_bra_ts", "oss_net_C2_bra_ts")
    runs = {f"{name} {edge}^3": ("--one", f"dense:{name}:{edge}") for name in names for edge in edges}
    rows = [
        (name, f"{figures['seconds'][0]:.0f}", f"{100 * figures['inside'][0]:.1f}%", f"{figures['above_mib'][0]:.0f}")
        for name, figures in report.rounds(__file__, runs, 1).items()
    ]
    return report.table(("whole volume, stages 4, 2, 1", "seconds", "inside", "MiB above"), rows)


def training_table(edges: tuple[int, ...]) -> str:
    """Return the memory of a training step by resolution."""
    networks = {
        "OSS-Net (oss_net_C2)": "oss_net_C2_bra_ts",
        "OSS-Net (oss_net_A)": "oss_net_A_bra_ts",
        "O-Net": "vanilla_o_net_bra_ts",
        "U-Net, whole volume": "unet",
    }
    rows = []
    for label, name in networks.items():
        runs = {str(edge): ("--one", f"training:{name}:{edge}") for edge in edges}
        found = [report.in_process(__file__, *options) for options in runs.values()]
        rows.append((label, *(f"{f['above_mib']:.0f}" if "failed" not in f else f["failed"] for f in found)))
    return report.table(("MiB of a training step", *(f"{edge}^3" for edge in edges)), rows)


def main() -> None:
    """Run everything, or one contender."""
    options = report.arguments(__doc__, rounds=ROUNDS)
    if options.one:
        one(options.one)
        return
    if options.quick:
        tables = [speed_table(QUICK, 512, 256, 1), parts_table(QUICK, 512), dense_table((24,)), training_table((64,))]
    else:
        speeds = speed_table(SETTINGS, COORDINATES, PUBLISHED_COORDINATES, options.rounds)
        tables = [speeds, parts_table(SETTINGS, COORDINATES), dense_table(DENSE), training_table(TRAINED)]
    report.write("oss_net", "OSS-Net", tables, "torch", "numba", quick=options.quick)


if __name__ == "__main__":
    main()
