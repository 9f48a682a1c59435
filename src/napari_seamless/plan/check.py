"""Whether the parts of a plan that came from outside fit each other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from napari_seamless.errors import GeometryError

if TYPE_CHECKING:
    from napari_seamless.types import AxisGrid, Plan, Window


def check_plan(plan: Plan) -> None:
    """Refuse a plan that `make_plan` could not have made.

    Not checked: whether the positions are those that the border mode would choose.

    Raises
    ------
    GeometryError
        The numbers of axes differ, patches are out of order, leave a gap or are larger than the patch size, the window
        has another shape, or the region is not inside the volume.
    """
    n = len(plan.axes)
    given = [plan.grids, plan.patch_size, plan.step, plan.chunk]
    if n == 0 or any(len(values) != n for values in given):
        raise GeometryError(
            f"A plan needs one grid, patch size, step and chunk for each of its {n} axes, "
            f"got {', '.join(str(len(values)) for values in given)}; make it anew."
        )
    for axis, grid, patch in zip(plan.axes, plan.grids, plan.patch_size, strict=True):
        if not is_in_order(grid, patch, to_the_end=plan.border != "crop"):
            raise GeometryError(
                f"The patches along {axis} must follow each other without a gap and be at most {patch} voxels long, "
                "got others; make the plan anew."
            )
    if plan.window.is_given:
        check_window_fits(plan.window, plan.grids, plan.patch_size)
    _check_region(plan)


def is_in_order(grid: AxisGrid, patch: int, *, to_the_end: bool) -> bool:
    """Tell whether patches rise without a gap from the first voxel on, and all touch the volume.

    Examples
    --------
    >>> from napari_seamless.types import AxisGrid
    >>> is_in_order(AxisGrid(length=10, starts=(0, 6), sizes=(4, 4)), 4, to_the_end=True)
    False
    """
    stops = tuple(start + size for start, size in zip(grid.starts, grid.sizes, strict=True))
    return (
        max(grid.sizes) <= patch
        and grid.starts[0] <= 0 < stops[0]
        and grid.starts[-1] < grid.length
        and (stops[-1] >= grid.length or not to_the_end)
        and all(a <= b for a, b in itertools.pairwise(grid.starts))
        and all(a <= b for a, b in itertools.pairwise(stops))
        and all(start <= stop for start, stop in zip(grid.starts[1:], stops, strict=False))
    )


def check_window_fits(window: Window, grids: tuple[AxisGrid, ...], patches: tuple[int, ...]) -> None:
    """Refuse weights of another shape than some patch: stretched or cut, they would no longer say what they meant.

    Raises
    ------
    GeometryError
        The window's weights have another shape than the patches, or than a smaller one at the volume's end.
    """
    if window.size != patches:
        raise GeometryError(
            f"The window has weights for patches of {window.size}, but the patch size is {patches}; "
            "give one weight for each voxel of a patch."
        )
    if any(size != patch for grid, patch in zip(grids, patches, strict=True) for size in grid.sizes):
        raise GeometryError(
            "The border mode adaptive makes smaller patches, for which a window of given weights has none; "
            "choose the border mode squeeze, or a window by name."
        )


def _check_region(plan: Plan) -> None:
    if plan.region is None:
        return
    ends = plan.region.start, plan.region.stop
    if any(len(end) != len(plan.shape) for end in ends) or not all(
        0 <= a < b <= length for a, b, length in zip(*ends, plan.shape, strict=True)
    ):
        raise GeometryError(
            f"The region must hold a voxel and lie inside the volume of {plan.shape}, got {ends[0]} to {ends[1]}."
        )
