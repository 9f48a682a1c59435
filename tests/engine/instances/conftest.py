"""Blocks of a single chunk, so that small volumes have many."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def _small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_seamless.engine.instances.layout._LARGEST_BLOCK", 1)
        yield
