"""Recommendations on curves that are written by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import SettingsError
from napari_seamless.quality import advise, pareto_front


@dataclass(frozen=True)
class Point:
    """What `advise` asks of a point."""

    setting: str
    dice: float
    seconds: float
    seam_energy: float | None = None
    is_proxy: bool = False


CURVE = [
    Point("none", 0.90, 10),
    Point("quarter", 0.949, 25),
    Point("half", 0.951, 80),
    Point("dense", 0.952, 600),
    Point("dense and worse", 0.94, 600),
]


@pytest.mark.parametrize(
    ("tolerance", "expected"), [(0.005, "quarter"), (0.002, "half"), (0.0, "dense"), (0.1, "none")]
)
def test_the_cheapest_within_the_tolerance(tolerance: float, expected: str) -> None:
    assert advise(CURVE, tolerance).recommended.setting == expected


def test_the_front_leaves_out_what_is_beaten() -> None:
    assert [point.setting for point in advise(CURVE).pareto] == ["none", "quarter", "half", "dense"]


def test_the_sentence_says_what_is_given_up() -> None:
    sentence = advise(CURVE).sentence
    assert sentence == (
        "quarter takes about 25 s for the whole volume, 24.0 times less than dense (10 min), and gives up 0.0030 of "
        "its mean Dice: 0.9490 instead of 0.9520."
    )


def test_the_sentence_names_a_proxy() -> None:
    point = Point("only", 1.0, 5, is_proxy=True)
    assert (
        "agreement with the consensus of the densest overlap (a proxy: there is no truth)" in advise([point]).sentence
    )


def test_nothing_is_recommended_in_words_where_nothing_is_right() -> None:
    assert advise([Point("a", 0.0, 5), Point("b", 0.0, 9)]).sentence.startswith(
        "No setting reaches a mean Dice above 0"
    )


def test_of_equals_the_one_with_the_least_seam_energy() -> None:
    points = [Point("a", 0.9, 5, 0.2), Point("b", 0.9, 5, 0.1), Point("c", 0.9, 5, 0.3)]
    assert advise(points).recommended.setting == "b"
    assert [point.setting for point in advise(points).pareto] == ["b"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 1000)), min_size=1, max_size=12), st.floats(0, 0.5))
def test_nothing_beats_the_front_and_the_recommendation_is_on_it(values: list, tolerance: float) -> None:
    points = [Point(str(i), dice, seconds) for i, (dice, seconds) in enumerate(values)]
    front = pareto_front(points)
    for point in points:
        beaten = any(p.dice >= point.dice and p.seconds <= point.seconds for p in front)
        assert beaten
    for point in front:
        assert not any(
            p.dice >= point.dice and p.seconds <= point.seconds and (p.dice, p.seconds) != (point.dice, point.seconds)
            for p in points
        )
    recommended = advise(points, tolerance).recommended
    best = max(point.dice for point in points)
    assert recommended.dice >= best * (1 - tolerance)
    assert all(p.seconds >= recommended.seconds for p in points if p.dice >= best * (1 - tolerance))


@pytest.mark.parametrize(("points", "tolerance", "text"), [([], 0.005, "without a point"), (CURVE, 1.0, "below 1")])
def test_refusals(points: list, tolerance: float, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        advise(points, tolerance)
