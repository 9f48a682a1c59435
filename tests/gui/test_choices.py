"""The window offers what the settings know."""

from __future__ import annotations

from typing import get_args

from napari_seamless.types import BorderMode, WindowKind


def offered(hands, name: str) -> set[str]:
    combo = hands.find(name)
    return {combo.itemData(index) for index in range(combo.count())}


def test_every_border_mode_and_window_is_offered(make_hands):
    hands = make_hands(show=False)
    assert offered(hands, "border") == set(get_args(BorderMode))
    assert offered(hands, "window") == set(get_args(WindowKind))
