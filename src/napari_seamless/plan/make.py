"""Turn a shape and settings into a plan."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar, cast

from napari_seamless.errors import GeometryError
from napari_seamless.plan.axis_grid import axis_grid
from napari_seamless.plan.check import check_window_fits
from napari_seamless.types import BorderMode, PadSides, Plan, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Box

_T = TypeVar("_T", int, float)

DEFAULT_CHUNK = 64
"""Output chunk in voxels per axis where none is asked for."""


def make_plan(  # noqa: PLR0913  each is one part of the geometry, by name
    shape: Sequence[int],
    patch_size: int | Sequence[int],
    overlap: float | Sequence[float] = 0.5,
    *,
    border: BorderMode = "squeeze",
    window: Window | None = None,
    axes: Sequence[str] | None = None,
    chunk: int | Sequence[int] | None = None,
    batch_size: int = 1,
    divisor: int | Sequence[int] = 1,
    smallest: int | Sequence[int] = 1,
    pad_sides: PadSides = "both",
    region: Box | None = None,
) -> Plan:
    """Plan a run over a volume of this shape.

    Time and memory grow with the sum of the patches along each axis, not with their product.

    Parameters
    ----------
    shape : sequence of int
        Voxels per spatial axis.
    patch_size : int or sequence of int
        Voxels that the network sees at once.
    overlap : float or sequence of float
        1 - step / patch size, in [0, 1); the step is rounded down to whole voxels, at least 1.
    border, window, axes, chunk, batch_size
        See `Plan`; `axes` are named ``axis 0``, ... where None, `chunk` is 64 per axis (at most the volume) where None.
    divisor : int or sequence of int
        Patch sizes must be multiples of this.
    smallest : int or sequence of int
        With the border mode ``adaptive``, the least voxels of a smaller patch.
    pad_sides : {"both", "end"}
        With the border mode ``pad``, where patches may reach beyond the volume.
    region : Box or None
        The part of the volume to finish: see `Plan`.

    Returns
    -------
    Plan

    Raises
    ------
    GeometryError
        The numbers do not fit each other.

    Examples
    --------
    >>> plan = make_plan((197, 233, 189), 64, 0.5)
    >>> plan.step, plan.grid_shape, plan.n_patches
    ((32, 32, 32), (6, 7, 5), 210)
    """
    n = len(shape)
    names = tuple(axes) if axes is not None else tuple(f"axis {i}" for i in range(n))
    patches = per_axis("patch_size", patch_size, n)
    overlaps = per_axis("overlap", overlap, n)
    divisors = per_axis("divisor", divisor, n)
    for name, size, multiple in zip(names, patches, divisors, strict=True):
        if size % multiple:
            raise GeometryError(
                f"The patch size along {name} is {size}, but this network needs a multiple of {multiple}; "
                f"try {max(1, round(size / multiple)) * multiple}."
            )
    steps = tuple(patch_step(p, o) for p, o in zip(patches, overlaps, strict=True))
    grids = tuple(
        axis_grid(length, patch, step, border, divisor=multiple, smallest=least, pad_sides=pad_sides, axis=name)
        for length, patch, step, multiple, least, name in zip(
            shape, patches, steps, divisors, per_axis("smallest", smallest, n), names, strict=True
        )
    )
    if window is not None and window.is_given:
        check_window_fits(window, grids, patches)
    chunks = per_axis("chunk", DEFAULT_CHUNK if chunk is None else chunk, n)
    if min(*chunks, batch_size) < 1:
        raise GeometryError(f"chunk and batch_size must be at least 1, got {chunks} and {batch_size}; try 64 and 1.")
    return Plan(
        axes=names,
        grids=grids,
        patch_size=patches,
        step=steps,
        border=border,
        window=window if window is not None else Window(),
        chunk=tuple(
            min(c, length) for c, length in zip(chunks, shape if region is None else region.shape, strict=True)
        ),
        batch_size=batch_size,
        region=region,
    )


def patch_step(patch: int, overlap: float) -> int:
    """Return the distance between patch origins in voxels for an overlap in [0, 1), at least 1.

    Examples
    --------
    >>> patch_step(64, 0.75), patch_step(10, 0.9), patch_step(4, 0.99)
    (16, 1, 1)
    """
    if not 0 <= overlap < 1:
        raise GeometryError(f"The overlap must be at least 0 and below 1, got {overlap:g}; try 0.5.")
    # a part of a millionth forgives decimal overlaps: 1 - 0.9 is a little less than 0.1
    return max(1, math.floor(patch * (1 - overlap) + 1e-6))


def per_axis(name: str, value: _T | Sequence[_T], n: int) -> tuple[_T, ...]:
    """Repeat one value for every axis, or check that there is one for each.

    Raises
    ------
    GeometryError
        The number of values is neither 1 nor the number of axes.
    """
    values: tuple[Any, ...] = (value,) if isinstance(value, Real) else tuple(cast("Sequence[_T]", value))
    if len(values) == 1:
        values *= n
    if len(values) != n:
        raise GeometryError(f"{name} needs 1 or {n} values, one for each spatial axis, got {len(values)}: {values}.")
    return values
