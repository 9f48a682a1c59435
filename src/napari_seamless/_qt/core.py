"""The functions of the core that the window calls, as one object, so that controllers can be tested with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Open, load, prepare: everything the window asks of the core.

    Parameters
    ----------
    open_volume, load_model, prepare, make_control : callable
        `napari_seamless.volume.open_volume`, `napari_seamless.models.load_model`, `napari_seamless.engine.prepare` and
        `napari_seamless.engine.Control`.
    """

    open_volume: Callable[..., Any]
    load_model: Callable[..., Any]
    prepare: Callable[..., Any]
    make_control: Callable[[], Any]


def installed_core() -> Core:
    """Return the functions of this package."""
    from napari_seamless.engine import Control, prepare
    from napari_seamless.models import load_model
    from napari_seamless.volume import open_volume

    return Core(open_volume=open_volume, load_model=load_model, prepare=prepare, make_control=Control)
