"""Sheets of a surface through a cube of 2 x 2 x 2 voxels: which crossed edges of the cube belong together."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SHEET_BITS = 3
"""A sheet's number: 0 where it is the only one of its cube, else 1 to 4."""

_CORNERS = 8


def edge(axis: int, one: int, other: int) -> int:
    """Return the number of an edge of a cube.

    Parameters
    ----------
    axis : int
        Axis that it runs along.
    one, other : int
        0 or 1: its place along the two axes that follow in cyclic order.
    """
    return 4 * axis + 2 * one + other


def sheet_table() -> Array:
    """Return the sheet of each edge of a cube for each set of corners that are inside.

    The corner at (z, y, x) is bit 4 z + 2 y + x. On a face whose inside corners lie diagonally, each of them is cut off
    on its own: voxels that touch by an edge alone are not joined.

    Returns
    -------
    numpy.ndarray
        (256, 12) uint8: see `SHEET_BITS`; 0 for edges that are not crossed, too.
    """
    table = np.zeros((1 << _CORNERS, 12), np.uint8)
    for inside in range(1 << _CORNERS):
        groups = _groups(inside)
        if len(groups) > 1:
            for number, group in enumerate(groups, 1):
                table[inside, group] = number
    return table


def _groups(inside: int) -> list[list[int]]:
    """Return the crossed edges that belong together, in the order of their first edges."""
    of: dict[int, int] = {}
    for joined in _segments(inside):
        names = {of.get(crossed, crossed) for crossed in joined}
        least = min(names)
        for crossed in joined:
            of.setdefault(crossed, least)
        of = {crossed: least if name in names else name for crossed, name in of.items()}
    return [sorted(crossed for crossed in of if of[crossed] == name) for name in sorted(set(of.values()))]


def _segments(inside: int) -> list[tuple[int, int]]:
    """Return the pairs of crossed edges that the surface joins on the six faces of the cube."""
    found = []
    for axis in range(3):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        for side in (0, 1):
            # Around the face: corner i is at (0, 0), (1, 0), (1, 1), (0, 1) of the two other axes.
            places = ((0, 0), (1, 0), (1, 1), (0, 1))
            corners = [_is_inside(inside, {axis: side, one: a, other: b}) for a, b in places]
            # Edge i joins the corners i and i + 1.
            edges = [edge(one, 0, side), edge(other, side, 1), edge(one, 1, side), edge(other, side, 0)]
            crossed = [i for i in range(4) if corners[i] != corners[(i + 1) % 4]]
            if len(crossed) == 2:
                found.append((edges[crossed[0]], edges[crossed[1]]))
            elif len(crossed) == 4:
                found.extend((edges[i - 1], edges[i]) for i in range(4) if corners[i])
    return found


def _is_inside(inside: int, place: dict[int, int]) -> bool:
    return bool(inside >> (4 * place[0] + 2 * place[1] + place[2]) & 1)
