"""What is said where the compressor of meshes is not installed."""

from __future__ import annotations

import sys

import pytest

from napari_seamless.errors import MissingDependencyError
from napari_seamless.mesh.export import PrecomputedWriter


def test_without_the_compressor_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "DracoPy", None)
    with pytest.raises(MissingDependencyError, match=r"napari-seamless\[neuroglancer\]"):
        PrecomputedWriter(tmp_path / "meshes")
    assert not (tmp_path / "meshes").exists()
