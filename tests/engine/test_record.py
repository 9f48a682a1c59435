"""What decides the bytes of an output is what the journal compares."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.networks import image, local_network

from napari_seamless.engine import prepare
from napari_seamless.engine.record import run_identity
from napari_seamless.recipe import make_settings


def identity(**settings: Any) -> dict[str, Any]:
    job = prepare(image((8, 8)), local_network(2), make_settings(**{"patch_size": 8, "device": "cpu", **settings}))
    return run_identity(job.volume, job.model.spec, job.settings, job.plan, None)


@pytest.mark.parametrize(
    ("setting", "value", "recorded"),
    [
        ("precision", "bfloat16", "bfloat16"),
        ("channels_last", True, True),
        ("compile", True, True),
        ("flips", "y", ["y"]),
        ("flips", True, ["y", "x"]),
        ("batch_size", 2, 2),
    ],
)
def test_how_a_batch_is_evaluated_is_recorded(setting: str, value: object, recorded: object) -> None:
    before, after = identity(), identity(**{setting: value})
    assert {name for name in before if before[name] != after[name]} == {setting}
    assert after[setting] == recorded


def test_what_auto_stands_for_is_recorded() -> None:
    plain = {"precision": "float32", "channels_last": False, "flips": False, "batch_size": 1, "device": "cpu"}
    assert identity() == identity(**plain)
    assert {name: identity()[name] for name in plain} == plain | {"flips": []}
    assert identity(flips=True) == identity(flips="x,y")
