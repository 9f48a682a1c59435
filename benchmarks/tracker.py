"""What tracking patch performance adds to a step of training: the same step with the bare loss and with a tracked one.

A small 3D U-Net (MONAI's BasicUNet with 16 to 64 channels) with four classes, patches of 48^3, two a batch, cross
entropy and SGD. Steps with the bare loss and with trackers of several measures take turns on the same network, and
their order turns from round to round; each round gives one ratio for each measure, and the table their median. The
last columns are the tracker called alone. With a GPU the same runs there.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import report
import torch
from torch import nn

from napari_seamless import TorchPatchPerformance

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH, BATCH, CLASSES = 48, 2, 4
FEATURES = (16, 16, 32, 64, 64, 16)
ROUNDS = 30
QUICK = (32, 5)
MEASURES = ("cross_entropy", "error_rate_with_logits", "soft_dice_with_logits", "l2_with_logits")


class Training:
    """A network, a batch and an optimizer.

    Parameters
    ----------
    device : str
        "cpu" or "cuda".
    patch : int
        Voxels along each axis.
    """

    def __init__(self, device: str, patch: int) -> None:
        from monai.networks.nets import BasicUNet

        torch.manual_seed(0)
        self.device = device
        self.network = BasicUNet(3, 1, CLASSES, features=FEATURES).to(device)
        self.images = torch.rand(BATCH, 1, patch, patch, patch, device=device)
        self.labels = torch.randint(CLASSES, (BATCH, patch, patch, patch), device=device)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3)

    def step(self, loss: Callable[..., Any]) -> None:
        """Train with one batch."""
        self.optimizer.zero_grad()
        loss(self.network(self.images), self.labels).backward()
        self.optimizer.step()

    def seconds(self, work: Callable[[], Any], times: int = 1) -> float:
        """Return the time of some work, with what it started on the device."""
        self._wait()
        start = time.perf_counter()
        for _ in range(times):
            work()
        self._wait()
        return (time.perf_counter() - start) / times

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def compare(device: str, patch: int, rounds: int) -> str:
    """Return the table of one device."""
    training = Training(device, patch)
    bare = nn.CrossEntropyLoss()
    losses: dict[str, Callable[..., Any]] = {"bare": bare}
    losses |= {name: TorchPatchPerformance.track(bare, measure=name) for name in MEASURES}
    times = 20 if device == "cuda" else 1  # steps on a GPU are short beside the wait for it
    for loss in losses.values():
        training.step(loss)
    found: dict[str, list[float]] = {name: [] for name in losses}
    for i in range(rounds):
        names = list(losses)
        for name in names[i % len(names) :] + names[: i % len(names)]:
            found[name].append(training.seconds(lambda name=name: training.step(losses[name]), times))
    rows = [[name, *_figures(training, found[name], found["bare"], losses[name])] for name in losses]
    head = ("loss", "ms a step", "step / bare step", "added, %", "tracker alone, ms", "alone / bare step, %")
    where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    text = f"{rounds} rounds; medians, and the middle half of the ratios.\n"
    return f"### {where}\n\n{report.table(head, rows)}\n{text}"


def _figures(training: Training, own: list[float], bare: list[float], loss: Callable[..., Any]) -> list[str]:
    """Return a row of the table."""
    ms = f"{1000 * statistics.median(own):.1f}"
    if own is bare:
        return [ms, "1", "", "", ""]
    ratios = [a / b for a, b in zip(own, bare, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    with torch.no_grad():
        scores = training.network(training.images)
    tracker = loss.performance
    alone = statistics.median(training.seconds(lambda: tracker.observe(scores, training.labels)) for _ in range(20))
    share = alone / statistics.median(bare)
    ratio = f"{middle:.3f} ({low:.3f}–{high:.3f})"
    return [ms, ratio, f"{100 * (middle - 1):.1f}", f"{1000 * alone:.2f}", f"{100 * share:.2f}"]


def main() -> None:
    """Measure every device that is there."""
    options = report.arguments(__doc__, patch=PATCH, rounds=ROUNDS)
    patch, rounds = QUICK if options.quick else (options.patch, options.rounds)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    text = f"BasicUNet with {FEATURES} features, batches of {BATCH} patches of {patch}^3, {CLASSES} classes, float32.\n"
    parts = [text, *(compare(device, patch, rounds) for device in devices)]
    report.write("tracker", "Tracking patch performance", parts, "torch", "monai", quick=options.quick)


if __name__ == "__main__":
    main()
