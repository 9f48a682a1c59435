"""From the network's outputs to the sums of finished chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_seamless.blend import Buffers, ChunkAccumulators, Scratch, TiledSums
from napari_seamless.plan import window_array

if TYPE_CHECKING:
    from napari_seamless.engine.memory import SumsPlace
    from napari_seamless.engine.part import Outside
    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.plan import Batch
    from napari_seamless.types import Plan

Index = tuple[int, ...]
Finished = list[tuple[Index, TiledSums]]


class Blending:
    """Weight outputs by the window and add them up.

    Where the sums lie in the host's memory, the threads of the lanes do this themselves, each with what it has just
    evaluated: the numbers are still in its processor's cache, and nobody else has to keep up with all lanes.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    place : SumsPlace
        Where the sums lie.
    scratch : Scratch
        Where sums beyond the budget go.
    outside : Outside
        Chunks that are not to be finished.
    watch : Stopwatch
        Counts ``blend``.
    """

    def __init__(self, plan: Plan, place: SumsPlace, scratch: Scratch, outside: Outside, watch: Stopwatch) -> None:
        self._window = plan.window
        self._home = place.device
        self._watch = watch
        self._windows: dict[tuple[tuple[int, ...], torch.device], torch.Tensor] = {}
        self._buffers = Buffers()
        self._sums = ChunkAccumulators(plan, scratch, budget=place.budget, skip=outside)

    @property
    def in_lanes(self) -> bool:
        """Whether several threads may call `add` at once."""
        return self._home.type == "cpu"

    def expect(self, batch: Batch) -> None:
        """Say that a thread is about to evaluate and add a batch; in the order in which they begin."""
        for index in batch:
            self._sums.expect(index)

    def give_up(self) -> None:
        """Let no thread wait for another one any more."""
        self._sums.give_up()

    def recycle(self, sums: TiledSums) -> None:
        """Take back sums that were reduced."""
        self._sums.recycle(sums)

    def add(self, batch: Batch, output: torch.Tensor) -> Finished:
        r"""Add a batch, (batch, class, \\*patch) float32 on any device; return the chunks that it finishes."""
        with self._watch.stage("blend"):
            if output.is_cuda and not self.in_lanes:
                # a lane's stream made it: its memory must not be given to that lane again before it is added here
                output.record_stream(torch.cuda.current_stream(output.device))
            output = output.to(self._home)
            weighted = self._weighted(output)
            finished = [
                chunk for index, patch in zip(batch, weighted, strict=True) for chunk in self._sums.add(patch, index)
            ]
            if self._home.type == "cpu":
                self._buffers.give(weighted.view(-1))
            return finished

    def _weighted(self, output: torch.Tensor) -> torch.Tensor:
        """Multiply here, add later: a fused operation rounds differently from one element to the next."""
        window = self._window_for(tuple(output.shape[2:]), output.device)
        if self._home.type != "cpu":
            return output * window
        weighted = self._buffers.take(output.numel(), output.device).view(output.shape)
        return torch.mul(output, window, out=weighted)

    def _window_for(self, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
        key = (shape, device)
        if key not in self._windows:
            self._windows[key] = torch.from_numpy(window_array(self._window, shape).copy()).to(device)
        return self._windows[key]
