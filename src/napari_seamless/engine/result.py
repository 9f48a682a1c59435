"""What a run leaves, and what it is expected to cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.types import ArrayLike, Plan, Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """The result of a run.

    Parameters
    ----------
    volume : Volume
        The output with spacing, units, names and all pyramid levels.
    path : str or None
        The OME-Zarr group; None for a result in memory.
    plan : Plan
        Geometry of the run.
    classes : tuple of str
        Class names; label values are their indices.
    timings : mapping of str to float
        Seconds: ``read``, ``forward``, ``blend``, ``write`` are the busy times of stages that overlap; ``wait`` is the
        time that the network waited for patches; ``total`` is wall time.
    patches : int
        Patches in the plan.
    evaluated : int
        Patches that this run evaluated: all of them once, unless it was resumed; on several processes those over a
        border between two tasks once for each.
    peak_memory_bytes : int
        Largest resident memory of the process so far.
    warnings : tuple of str
        What a person should know.
    """

    volume: Volume
    path: str | None
    plan: Plan
    classes: tuple[str, ...]
    timings: Mapping[str, float]
    patches: int
    evaluated: int
    peak_memory_bytes: int
    warnings: tuple[str, ...]

    @property
    def array(self) -> ArrayLike:
        r"""The finest level: labels (\\*spatial), or channels such as probabilities (channel, \\*spatial)."""
        return self.volume.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will cost, known before it starts.

    Parameters
    ----------
    patches : int
        Forward evaluations.
    evaluations_per_voxel : float
        Mean number of patches over a voxel.
    memory_bytes : int
        Largest size of queues and accumulators, without the network's own memory.
    output_bytes : int
        Size of the output's finest level before compression.
    """

    patches: int
    evaluations_per_voxel: float
    memory_bytes: int
    output_bytes: int
