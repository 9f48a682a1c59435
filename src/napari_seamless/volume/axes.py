"""Axis names: cleaned where they are known, refused where they would have to be guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_seamless.errors import AxesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONVENTION = "zyx"
"""Spatial arrays of up to three dimensions without names have the last of these axes."""

_SHORT = {"channel": "c", "channels": "c", "time": "t", "frame": "t", "batch": "b"}
_PLACEHOLDER = re.compile(r"(axis[ _]?|dim[ _]?)?-?\d+")


def clean_axes(names: Iterable[object] | None) -> tuple[str, ...] | None:
    """Return axis names in lower case with ``c``, ``t`` and ``b`` for their long forms.

    Parameters
    ----------
    names : iterable of str or None
        Names as a format stores them.

    Returns
    -------
    tuple of str or None
        None where a name is missing or a mere number, as the writers of some formats fill in.

    Examples
    --------
    >>> clean_axes(["Channel", "Y", "X"]), clean_axes(["dim_0", "dim_1"])
    (('c', 'y', 'x'), None)
    """
    if names is None:
        return None
    texts = [str(name).strip().lower() if name is not None else "" for name in names]
    if not texts or any(not text or _PLACEHOLDER.fullmatch(text) for text in texts):
        return None
    return tuple(_SHORT.get(text, text) for text in texts)


def choose_axes(
    found: tuple[str, ...] | None, given: str | Sequence[str] | None, shape: tuple[int, ...], name: str
) -> tuple[str, ...]:
    """Return one name per array axis: the given ones, else the stored ones, else the convention for space.

    Raises
    ------
    AxesError
        The number of names is not the number of dimensions, a name comes twice, no axis is spatial, or there are
        more than three dimensions and no names.

    Examples
    --------
    >>> choose_axes(None, None, (4, 5, 6), "stack"), choose_axes(("y", "x"), "zx", (5, 6), "slice")
    (('z', 'y', 'x'), ('z', 'x'))
    """
    axes = clean_axes(given) if given is not None else found
    if given is not None and axes is None:
        raise AxesError(f'axes must name every axis, such as axes="zyx", got {given!r} for {name}.')
    if axes is None:
        return _by_convention(shape, name)
    quoted = ", ".join(axes)
    if len(axes) != len(shape):
        raise AxesError(
            f"axes must hold one name for each of the {len(shape)} dimensions of {name} (shape {shape}), got {quoted}."
        )
    if len(set(axes)) != len(axes):
        raise AxesError(f'Each axis of {name} needs its own name, got {quoted}; pass axes, such as axes="czyx".')
    if all(axis in {"b", "c", "t"} for axis in axes):
        raise AxesError(f'{name} has no spatial axis among {quoted}; pass axes, such as axes="zyx".')
    return axes


def _by_convention(shape: tuple[int, ...], name: str) -> tuple[str, ...]:
    if not shape:
        raise AxesError(f"{name} is a single number; a volume has at least one spatial axis.")
    if len(shape) > len(CONVENTION):
        example = ("tczyx" if len(shape) > 4 else "czyx")[-len(shape) :]
        raise AxesError(
            f"{name} has {len(shape)} dimensions (shape {shape}) and no axis names; "
            f'say which axis is which, for example axes="{example}".'
        )
    return tuple(CONVENTION[-len(shape) :])
