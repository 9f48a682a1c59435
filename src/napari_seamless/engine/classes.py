"""Names and colours of the classes of an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    from napari_seamless.types import ModelSpec

_PALETTE = ((240, 228, 66, 255), (0, 158, 115, 255), (213, 94, 0, 255), (86, 180, 233, 255), (204, 121, 167, 255))
"""Colours that colour-blind people can tell apart (Okabe and Ito, 2008)."""


def class_names(spec: ModelSpec, outputs: int, *, labels: bool) -> tuple[str, ...]:
    """Return a name for every label, or for every output channel.

    Raises
    ------
    ModelError
        The network returns another number of classes than it names.
    """
    if labels and outputs == 1:
        return spec.classes if len(spec.classes) == 2 else ("background", *(spec.classes or ("foreground",)))
    if not spec.classes:
        return tuple("background" if i == 0 and labels else f"class {i}" for i in range(outputs))
    if len(spec.classes) != outputs:
        if outputs == 1 and len(spec.classes) == 2:
            return spec.classes[1:]
        raise ModelError(
            f"The network {spec.name} names {len(spec.classes)} classes but returned {outputs} channels; "
            "correct the classes in its description."
        )
    return spec.classes


def class_colors(spec: ModelSpec, names: tuple[str, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """Return an RGBA colour for every class; the background is transparent."""
    if len(spec.colors) == len(names):
        return spec.colors
    return tuple((0, 0, 0, 0) if i == 0 else _PALETTE[(i - 1) % len(_PALETTE)] for i in range(len(names)))
