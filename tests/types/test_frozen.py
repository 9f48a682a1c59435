"""What passes between rooms can neither change nor be taken for something else."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from napari_seamless.plan import make_plan
from napari_seamless.types import Box, Model, ModelSpec


def test_what_passes_between_rooms_is_frozen_and_can_be_sent_to_another_process() -> None:
    plan = make_plan((20, 30), 8, border="adaptive")
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert {plan: 1}[make_plan((20, 30), 8, border="adaptive")] == 1
    for thing in (plan, plan.grids[0], plan.window, Box((0,), (1,)), ModelSpec(name="n")):
        field = dataclasses.fields(thing)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, None)


def test_a_thing_without_a_spec_is_no_model() -> None:
    assert not isinstance(lambda x: x, Model)
