"""Which chunks of the output share a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Plan

_WAITING_BYTES = 2**28


def output_shard(settings: RunSettings, plan: Plan) -> tuple[int, ...] | None:
    """Return the voxels of a shard along each spatial axis; None where every chunk is a file.

    Along an axis that one chunk spans, a shard is that chunk, whatever the setting.

    Raises
    ------
    SettingsError
        The setting is no multiple of the chunk, or has another number of values than there are axes.
    """
    if settings.shard_size is None:
        return None
    n = len(plan.chunk)
    sizes = settings.shard_size if isinstance(settings.shard_size, tuple) else (settings.shard_size,) * n
    if len(sizes) != n:
        raise SettingsError(
            f"shard_size needs 1 or {n} values, one for each spatial axis, got {len(sizes)}: {sizes}; try 256."
        )
    for axis, size, chunk, count in zip(plan.axes, sizes, plan.chunk, plan.chunk_grid, strict=True):
        if count > 1 and size % chunk:
            raise SettingsError(
                f"shard_size along {axis} is {size}, but must be a multiple of the chunk, which is {chunk} there; "
                f"try {max(1, round(size / chunk)) * chunk}."
            )
    return tuple(
        chunk if count == 1 else size for size, chunk, count in zip(sizes, plan.chunk, plan.chunk_grid, strict=True)
    )


def waiting_bytes(settings: RunSettings) -> int:
    """Return how many bytes of finished chunks may wait in memory for their shard: an eighth of a stated budget."""
    if settings.shard_size is None:
        return 0
    return _WAITING_BYTES if settings.memory_budget is None else min(_WAITING_BYTES, settings.memory_budget // 8)
