"""Moments of all processes of a training that runs on more than one GPU or machine."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist

from napari_seamless.errors import SettingsError
from napari_seamless.quality.moments import Moments


def sum_over_processes(moments: Moments | None, group: Any = None) -> Moments | None:
    """Return the moments of the patches that all processes have seen.

    Parameters
    ----------
    moments : Moments, optional
        Of this process; None where it has seen no patch. On a device that the group's backend reduces.
    group : ProcessGroup, optional
        None for all processes.

    Returns
    -------
    Moments or None
        The same in every process; None where none has seen a patch.

    Raises
    ------
    SettingsError
        There is no process group, or the patches have different sizes.
    """
    if not (dist.is_available() and dist.is_initialized()):
        raise SettingsError(
            "there is no process group to reduce over; call torch.distributed.init_process_group first, or use merge."
        )
    said: list[Any] = [None] * dist.get_world_size(group)
    dist.all_gather_object(said, moments and (moments.patches, tuple(moments.mean.shape)), group=group)
    seen = [each for each in said if each]
    shapes = {shape for _, shape in seen}
    if not shapes:
        return None
    if len(shapes) > 1:
        raise SettingsError(f"the processes have seen patches of different sizes, {shapes}; use one patch size.")
    count, mean, m2 = _own(moments, shapes.pop(), group)
    total = _sum(count, group)
    of_all = _sum(count * mean, group) / total.clamp(min=1)
    # Around the mean of all, as in a merge of two.
    deviations = _sum(m2 + count * (mean - of_all).square(), group)
    return Moments(patches=sum(patches for patches, _ in seen), count=total, mean=of_all, m2=deviations)


def _own(
    moments: Moments | None, shape: tuple[int, ...], group: Any
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return number, mean and deviations of this process by coordinate, on a device that the group reduces."""
    device = "cuda" if dist.get_backend(group) == "nccl" else "cpu"
    if moments is None:
        nothing = torch.zeros(shape, dtype=torch.float64, device=device)
        return nothing, nothing, nothing
    moments = moments.to(device)
    return moments.count.expand(shape).contiguous(), moments.mean, moments.m2


def _sum(values: torch.Tensor, group: Any) -> torch.Tensor:
    total = values.clone()
    dist.all_reduce(total, group=group)
    return total
