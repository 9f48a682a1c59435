"""Sizes and times as people read them."""

from __future__ import annotations

import pytest

from napari_seamless.cli.wording import byte_size, duration


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1.5 * 2**40, "1.5 TiB"), (2**51, "2.0 PiB")],
)
def test_byte_sizes(n_bytes, text):
    assert byte_size(n_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.97, "1 min 0 s"), (119.6, "2 min 0 s"), (7325, "2 h 2 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
