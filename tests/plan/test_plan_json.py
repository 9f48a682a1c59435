"""A plan survives JSON whole and short, and damaged data is refused in a sentence."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import plans_of_any_kind

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.plan import make_plan, plan_from_dict, plan_to_dict
from napari_seamless.plan.runs import runs_of_starts, starts_of_runs
from napari_seamless.types import BorderMode, Plan, Window

STORED = {
    "format": "napari-seamless plan",
    "version": 1,
    "axes": ["y", "x"],
    "grids": [
        {"length": 100, "starts": [[0, 48, 3], [70, 70, 1]], "sizes": [[32, 3], [30, 1]]},
        {"length": 70, "starts": [[0, 48, 3]], "sizes": [[32, 2], [22, 1]]},
    ],
    "patch_size": [32, 32],
    "step": [24, 24],
    "border": "adaptive",
    "window": {"kind": "gaussian", "sigma": 0.125, "floor": 0.001},
    "chunk": [64, 64],
    "batch_size": 2,
    "region": [[0, 10], [50, 70]],
}


def damaged(path: str, value: Any) -> dict[str, Any]:
    """Return the stored plan with one value changed; the path is that of the value, with dots."""
    data = copy.deepcopy(STORED)
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    part: Any = data
    for key in way:
        part = part[key]
    part[last] = value
    return data


def leaves(part: Any, path: str = "") -> list[str]:
    """Return the paths of every value in nested dicts and lists."""
    if isinstance(part, dict):
        return [leaf for key in part for leaf in leaves(part[key], f"{path}{key}.")]
    if isinstance(part, list):
        return [leaf for i, value in enumerate(part) for leaf in leaves(value, f"{path}{i}.")]
    return [path[:-1]]


@given(plans_of_any_kind())
def test_every_plan_comes_back_equal_and_needs_two_runs_an_axis_at_most(plan: Plan) -> None:
    data = plan_to_dict(plan)
    assert plan_from_dict(json.loads(json.dumps(data))) == plan
    assert all(len(grid["starts"]) <= 2 and len(grid["sizes"]) <= 2 for grid in data["grids"])


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(-9, 9))
def test_positions_of_any_kind_are_runs(distances: list[int], first: int) -> None:
    starts = tuple(np.cumsum([first, *distances]).tolist())
    assert starts_of_runs(runs_of_starts(starts)) == starts


@pytest.mark.parametrize("border", get_args(BorderMode))
def test_a_million_patches_are_as_short_as_ten(border: BorderMode) -> None:
    plan = make_plan((1_000_003 * 7 + 3,), 14, border=border)
    assert plan.n_patches >= 10**6
    text = json.dumps(plan_to_dict(plan))
    assert len(text) < 500
    assert plan_from_dict(json.loads(text)) == plan


def test_the_form_on_disk_stays_as_it_is() -> None:
    plan = plan_from_dict(STORED)
    assert plan.grids[0].starts == (0, 24, 48, 70)
    assert plan.grids[0].sizes == (32, 32, 32, 30)
    assert plan.window == Window()
    assert plan_to_dict(plan) == STORED


def test_numbers_of_numpy_and_weights_of_your_own_are_stored() -> None:
    window = Window.from_array(np.linspace(0.1, 1, 12).reshape(3, 4))
    plan = make_plan(np.array([9, 9]), np.array([3, 4]), window=window, batch_size=np.int64(3), axes="yx")  # type: ignore[arg-type]
    text = json.dumps(plan_to_dict(plan))
    assert plan_from_dict(json.loads(text)) == plan
    assert plan_from_dict(json.loads(text)).window.values == window.values


def test_factors_are_stored_in_few_numbers() -> None:
    window = Window.from_factors(np.linspace(0.1, 1, 64), np.linspace(1, 3, 32))
    text = json.dumps(plan_to_dict(make_plan((99, 99), (64, 32), window=window)))
    assert plan_from_dict(json.loads(text)).window == window
    assert len(text) < 2000


def test_damaged_factors_are_refused() -> None:
    data = plan_to_dict(make_plan((9, 9), (4, 3), window=Window.from_factors([1, 2, 2, 1], [1, 2, 1])))
    data["window"]["size"] = [4, 4]
    with pytest.raises(SettingsError, match="7 numbers for a patch of"):
        plan_from_dict(data)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("format", "recipe", "format 'napari-seamless plan', got other data"),
        ("version", 2, "version 2, but this version of napari-seamless reads version 1"),
        ("batch_size", 0, "damaged at batch_size"),
        ("batch_size", 2.0, "damaged at batch_size"),
        ("batch_size", True, "damaged at batch_size"),
        ("border", "mirror", "damaged at border"),
        ("colour", "red", "damaged at colour"),
        ("grids.0.starts.0", [0, 48], "damaged at grids.0.starts.0"),
        ("region", [[0, 0]], "damaged at region"),
        ("window.kind", "kaiser", "window must be gaussian, .* got 'kaiser'"),
        ("window.sigma", -1.0, "sigma above 0"),
        ("window", {"kind": "array", "sigma": 0.1, "floor": 0.1, "size": [2], "values": "!"}, "weights of its window"),
        ("window", {"kind": "array", "sigma": 0.1, "floor": 0.1, "size": [2], "values": "AAAA"}, "weights of its"),
    ],
)
def test_data_that_is_no_plan_is_refused_in_a_sentence(path: str, value: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        plan_from_dict(damaged(path, value))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("axes", ["x"], "each of its 1 axes, got 2, 2, 2, 2"),
        ("axes", [], "each of its 0 axes"),
        ("chunk", [64], "got 2, 2, 2, 1"),
        ("grids.0.starts", [], "0 starts and 4 sizes along an axis of 100"),
        ("grids.0.starts.0.2", 10**15, "damaged: 1000000000000001 starts"),
        ("grids.0.sizes.0.1", 10**15, "and 1000000000000001 sizes"),
        ("grids.0.sizes.0.0", 64, "patches along y .* at most 32"),
        ("grids.0.sizes.0.0", 12, "patches along y must follow each other without a gap"),
        ("grids.0.length", 101, "patches along y"),
        ("grids.1.starts.0.0", 1, "patches along x"),
        ("grids.1.starts.0", [48, 0, 3], "along an axis of 70"),
        ("region.1.1", 71, r"inside the volume of \(100, 70\)"),
        ("region.1.1", 10, "must hold a voxel"),
        ("region.0", [0], "region must"),
    ],
)
def test_numbers_that_do_not_fit_each_other_are_refused_in_a_sentence(path: str, value: Any, says: str) -> None:
    with pytest.raises(GeometryError, match=says):
        plan_from_dict(damaged(path, value))


def test_weights_for_another_patch_are_refused() -> None:
    data = plan_to_dict(make_plan((8,), 4, window=Window.from_array([1, 2, 2, 1])))
    with pytest.raises(GeometryError, match="weights for patches of"):
        plan_from_dict({**data, "patch_size": [5]})


@pytest.mark.parametrize("key", [key for key in STORED if key != "region"])
def test_a_part_that_is_missing_is_named(key: str) -> None:
    data = {name: value for name, value in STORED.items() if name != key}
    with pytest.raises(SettingsError, match=key):
        plan_from_dict(data)


@given(st.sampled_from(leaves(STORED)), st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]))
def test_any_damage_is_refused_or_gives_a_whole_plan(path: str, value: Any) -> None:
    plan = None
    with suppress(SettingsError, GeometryError):
        plan = plan_from_dict(damaged(path, value))
    if plan is not None:
        assert plan_from_dict(plan_to_dict(plan)) == plan


@pytest.mark.parametrize("data", [None, [], "plan", {}])
def test_other_data_is_no_plan(data: Any) -> None:
    with pytest.raises(SettingsError, match="make one with plan_to_dict"):
        plan_from_dict(data)
