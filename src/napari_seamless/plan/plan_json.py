"""A plan as JSON and back: what another process, or another day, needs to do the same run."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.plan.check import check_plan
from napari_seamless.plan.runs import is_run, runs_of_sizes, runs_of_starts, sizes_of_runs, starts_of_runs
from napari_seamless.types import AxisGrid, Box, Plan, Window

FORMAT, VERSION = "napari-seamless plan", 1

_Positive = Annotated[int, Field(ge=1)]
_Numbers = list[_Positive]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _StoredGrid(_Stored):
    length: _Positive
    starts: list[Annotated[list[int], Field(min_length=3, max_length=3)]]
    sizes: list[Annotated[list[_Positive], Field(min_length=2, max_length=2)]]


class _StoredWindow(_Stored):
    kind: str
    sigma: float
    floor: float
    size: _Numbers = []
    values: str = ""


class _StoredPlan(_Stored):
    format: str
    version: int
    axes: list[str]
    grids: list[_StoredGrid]
    patch_size: _Numbers
    step: _Numbers
    border: Literal["squeeze", "edge", "adaptive", "crop", "pad"]
    window: _StoredWindow
    chunk: _Numbers
    batch_size: _Positive
    region: Annotated[list[list[int]], Field(min_length=2, max_length=2)] | None = None


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Describe a plan by what `json.dumps` takes.

    Positions are stored as runs, so that the description of a million patches along an axis is as short as that of
    ten. Of a window of given weights every value is stored, as little-endian float64 in base64.

    Parameters
    ----------
    plan : Plan
        Geometry of a run.

    Returns
    -------
    dict
        Equal plans give equal dicts; `plan_from_dict` gives an equal plan.

    Examples
    --------
    >>> from napari_seamless import make_plan
    >>> data = plan_to_dict(make_plan((32_000_000,), 64))
    >>> data["grids"]
    [{'length': 32000000, 'starts': [[0, 31999936, 999999]], 'sizes': [[64, 999999]]}]
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "axes": [str(axis) for axis in plan.axes],
        "grids": [_grid_to_dict(grid) for grid in plan.grids],
        "patch_size": _plain(plan.patch_size),
        "step": _plain(plan.step),
        "border": plan.border,
        "window": _window_to_dict(plan.window),
        "chunk": _plain(plan.chunk),
        "batch_size": int(plan.batch_size),
        "region": None if plan.region is None else [_plain(plan.region.start), _plain(plan.region.stop)],
    }


def plan_from_dict(data: Any) -> Plan:
    """Make the plan that `plan_to_dict` described.

    Parameters
    ----------
    data : dict
        What `plan_to_dict` returned, or `json.loads` after it.

    Returns
    -------
    Plan

    Raises
    ------
    SettingsError
        The data is no plan, is one of another version, or a part of it is missing, unknown or damaged.
    GeometryError
        The numbers do not fit each other.

    Examples
    --------
    >>> from napari_seamless import make_plan
    >>> plan = make_plan((100, 80), 32, 0.25, border="adaptive")
    >>> plan_from_dict(plan_to_dict(plan)) == plan
    True
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SettingsError(f"A plan is a dict with the format {FORMAT!r}, got other data; make one with plan_to_dict.")
    if data.get("version") != VERSION:
        raise SettingsError(
            f"The plan is of version {data.get('version')!r}, but this version of napari-seamless reads version "
            f"{VERSION}; make the plan anew."
        )
    try:
        stored = _StoredPlan.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"The plan is damaged at {where} ({first['msg']}); make it anew.") from None
    plan = Plan(
        axes=tuple(stored.axes),
        grids=tuple(map(_grid_from, stored.grids)),
        patch_size=tuple(stored.patch_size),
        step=tuple(stored.step),
        border=stored.border,
        window=_window_from(stored.window),
        chunk=tuple(stored.chunk),
        batch_size=stored.batch_size,
        region=None if stored.region is None else Box(tuple(stored.region[0]), tuple(stored.region[1])),
    )
    check_plan(plan)
    return plan


def _plain(numbers: tuple[int, ...]) -> list[int]:
    """Return Python integers: JSON knows none of NumPy's."""
    return [int(n) for n in numbers]


def _grid_to_dict(grid: AxisGrid) -> dict[str, Any]:
    return {
        "length": int(grid.length),
        "starts": [_plain(run) for run in runs_of_starts(grid.starts)],
        "sizes": [_plain(run) for run in runs_of_sizes(grid.sizes)],
    }


def _grid_from(stored: _StoredGrid) -> AxisGrid:
    starts = [(first, last, count) for first, last, count in stored.starts]
    sizes = [(size, count) for size, count in stored.sizes]
    # checked before the runs become lists: a damaged count could ask for any amount of memory
    counts = sum(run[-1] for run in starts), sum(run[-1] for run in sizes)
    room = stored.length + max((size for size, _ in sizes), default=0)
    if not (all(map(is_run, starts)) and 0 < counts[0] == counts[1] <= room):
        raise GeometryError(
            f"The plan is damaged: {counts[0]} starts and {counts[1]} sizes along an axis of {stored.length} voxels "
            "do not describe its patches; make it anew."
        )
    return AxisGrid(length=stored.length, starts=starts_of_runs(starts), sizes=sizes_of_runs(sizes))


def _window_to_dict(window: Window) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": window.kind, "sigma": float(window.sigma), "floor": float(window.floor)}
    if window.is_given:
        values = np.frombuffer(window.values).astype("<f8").tobytes()
        data |= {"size": _plain(window.size), "values": base64.b64encode(values).decode("ascii")}
    return data


def _window_from(stored: _StoredWindow) -> Window:
    shape: dict[str, Any] = {"sigma": stored.sigma, "floor": stored.floor}
    if stored.kind not in {"array", "factors"}:
        return dataclasses.replace(Window(**shape), kind=stored.kind)  # type: ignore[arg-type]
    try:
        values = np.frombuffer(base64.b64decode(stored.values, validate=True), "<f8")
        parts = [values.reshape(stored.size)] if stored.kind == "array" else _rows(values, stored.size)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"The plan is damaged: the weights of its window are {error}; make it anew.") from None
    make = Window.from_array if stored.kind == "array" else Window.from_factors
    return dataclasses.replace(make(*parts), **shape)


def _rows(values: np.ndarray[Any, Any], sizes: list[int]) -> list[np.ndarray[Any, Any]]:
    """Cut the factors of a window apart."""
    if values.size != sum(sizes):
        raise ValueError(f"{values.size} numbers for a patch of {sizes}")
    return np.split(values, np.cumsum(sizes[:-1]))
