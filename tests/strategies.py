"""Hypothesis strategies that several rooms share: axes, plans, boxes."""

from __future__ import annotations

from hypothesis import strategies as st

from napari_seamless.plan import axis_grid, make_plan
from napari_seamless.types import AxisGrid, BorderMode, Box, Plan, Window

BORDERS: tuple[BorderMode, ...] = ("squeeze", "edge", "adaptive", "crop")


@st.composite
def axis_settings(draw: st.DrawFn, longest: int = 60) -> tuple[int, int, int]:
    """Draw length, patch and step of one axis that fit each other."""
    length = draw(st.integers(1, longest))
    patch = draw(st.integers(1, length))
    return length, patch, draw(st.integers(1, patch))


@st.composite
def axis_grids(draw: st.DrawFn, longest: int = 60) -> AxisGrid:
    """Draw a grid of any border mode."""
    length, patch, step = draw(axis_settings(longest))
    return axis_grid(length, patch, step, draw(st.sampled_from(BORDERS)))


@st.composite
def plans(draw: st.DrawFn, longest: int = 14, max_axes: int = 3, **fixed: object) -> Plan:
    """Draw a small plan of one to `max_axes` axes, any border mode, window, chunk and batch size."""
    n = draw(st.integers(1, max_axes))
    shape = tuple(draw(st.integers(1, longest)) for _ in range(n))
    settings: dict[str, object] = {
        "border": draw(st.sampled_from(BORDERS)),
        "window": Window(kind=draw(st.sampled_from(["gaussian", "constant"]))),
        "chunk": tuple(draw(st.integers(1, longest)) for _ in range(n)),
        "batch_size": draw(st.integers(1, 4)),
        **fixed,
    }
    patch = tuple(draw(st.integers(1, length)) for length in shape)
    overlap = tuple(draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9])) for _ in range(n))
    return make_plan(shape, patch, overlap, **settings)  # type: ignore[arg-type]


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> Box:
    """Draw a box inside a shape that holds at least one voxel."""
    start = tuple(draw(st.integers(0, n - 1)) for n in shape)
    return Box(start, tuple(draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))
