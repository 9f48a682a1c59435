"""Hypothesis strategies that several rooms share: axes, plans, boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from hypothesis import strategies as st

from napari_seamless.plan import axis_grid, make_plan
from napari_seamless.types import AxisGrid, BorderMode, Box, PadSides, Plan, Window, WindowKind

BORDERS: tuple[BorderMode, ...] = ("squeeze", "edge", "adaptive", "crop")
GIVEN = {"array", "factors"}
"""Kinds of windows that have weights for one patch size alone."""
WINDOWS = (*get_args(WindowKind), *sorted(GIVEN))


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
def plans(draw: st.DrawFn, longest: int = 14, max_axes: int = 3, *, regions: bool = False, **fixed: object) -> Plan:
    """Draw a small plan of one to `max_axes` axes, any border mode, window, chunk, batch size and, if asked, region."""
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
    if regions:
        settings["region"] = draw(st.none() | boxes(shape))
    return make_plan(shape, patch, overlap, **settings)  # type: ignore[arg-type]


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> Box:
    """Draw a box inside a shape that holds at least one voxel."""
    start = tuple(draw(st.integers(0, n - 1)) for n in shape)
    return Box(start, tuple(draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))


@st.composite
def windows(draw: st.DrawFn, kind: str, patch: tuple[int, ...]) -> Window:
    """Draw the parameters of a window; weights of one's own are for patches of the size given."""
    if kind == "factors":
        rows = [draw(st.lists(st.integers(-8, 8), min_size=n, max_size=n)) for n in patch]
        return Window.from_factors(*[1.1 ** np.array(row) for row in rows])
    if kind == "array":
        exponents = draw(st.lists(st.integers(-8, 8), min_size=math.prod(patch), max_size=math.prod(patch)))
        return Window.from_array(1.1 ** np.reshape(exponents, patch))
    sigma = draw(st.sampled_from([0.01, 0.125, 1 / 3, 1e3]))
    return Window(kind=kind, sigma=sigma, floor=draw(st.sampled_from([1e-6, 1e-3, 1.0])))


@st.composite
def plans_of_any_kind(
    draw: st.DrawFn,
    borders: Sequence[BorderMode] = get_args(BorderMode),
    kinds: Sequence[str] = WINDOWS,
    axes: tuple[int, int] = (1, 4),
) -> Plan:
    """Draw a small plan of any border mode and window, patches beyond the volume, divisors and regions among them."""
    n = draw(st.integers(*axes))
    longest = int(1000 ** (1 / n)) if n > 1 else 40
    shape = tuple(draw(st.integers(1, longest)) for _ in range(n))
    border = draw(st.sampled_from(borders))
    beyond = 3 if border in {"adaptive", "pad"} else 0
    patch = tuple(draw(st.integers(1, length + beyond)) for length in shape)
    within = tuple(map(min, patch, shape))
    divisor = tuple(
        draw(st.sampled_from([d for d in (1, 2, 3) if p % d == 0 and d <= n]))
        for p, n in zip(patch, within, strict=True)
    )
    most_least = [n // d * d for n, d in zip(within, divisor, strict=True)]
    if border == "adaptive":  # of its smaller patches a window of given weights has none
        kinds = [kind for kind in kinds if kind not in GIVEN]
    plan = make_plan(
        shape,
        patch,
        tuple(draw(st.sampled_from([0.0, 0.25, 0.5, 0.75])) for _ in range(n)),
        border=border,
        window=draw(windows(draw(st.sampled_from(kinds)), patch)),
        chunk=tuple(draw(st.integers(1, longest)) for _ in range(n)),
        batch_size=draw(st.integers(1, 4)),
        divisor=divisor,
        smallest=tuple(draw(st.integers(1, most)) for most in most_least),
        pad_sides=draw(st.sampled_from(get_args(PadSides))),
    )
    return replace(plan, region=draw(st.none() | boxes(shape)))
