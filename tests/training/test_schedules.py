"""The weights of region and boundary loss by epoch."""

from __future__ import annotations

import pytest

from napari_seamless.errors import SettingsError
from napari_seamless.training import Schedule


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("constant", [(1, 0.1), (1, 0.1), (1, 0.1), (1, 0.1)]),
        ("increase", [(1, 0.1), (1, 0.3), (1, 0.5), (1, 0.6)]),
        ("rebalance", [(0.9, 0.1), (0.7, 0.3), (0.5, 0.5), (0.4, 0.6)]),
    ],
)
def test_weights_follow_the_published_schedules(kind: str, expected: list[tuple[float, float]]) -> None:
    schedule = Schedule(kind=kind, start=0.1, step=0.2, cap=0.6)
    for epoch, weights in enumerate(expected):
        assert schedule.weights(epoch) == pytest.approx(weights)
    assert schedule.weights(1000) == pytest.approx(expected[-1])


@pytest.mark.parametrize("values", [{"step": -0.1}, {"start": -1}, {"cap": 1.5}, {"kind": "linear"}])
def test_what_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="schedule"):
        Schedule(**values)


def test_only_rebalance_needs_weights_up_to_one() -> None:
    assert Schedule(kind="increase", start=0, step=1, cap=5).weights(9) == (1, 5)
