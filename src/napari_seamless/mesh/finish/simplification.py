"""Fewer triangles for the same surface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.finish.deviation import deviation

if TYPE_CHECKING:
    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]

_FEWEST = 4
"""Triangles of the smallest closed surface."""

_SHARES = (0.05, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
"""Mean distances (quadratic), as shares of the largest error, at which it is measured: about a third is the largest."""

_FEW_TRIANGLES = 1000
_FEW_SHARES = (0.15, 0.4, 1.0)
"""The same for surfaces of few triangles, of which there are many."""

_MEASURED_FROM = 0.3


def simplify(surface: Surface, triangles: int | None = None, max_error: float | None = None) -> Surface:
    """Collapse the edges of a surface that matter least.

    The result is closed, each component has the Euler characteristic that it had, and none disappears. What ends first
    counts: the number of triangles or the error.

    Parameters
    ----------
    surface : Surface
        Closed.
    triangles : int or None
        Triangles to aim at. Where the topology, or sharp folds, allow no so few, the result has the fewest that it has
        found.
    max_error : float or None
        Largest distance of a vertex of the surface to the result, in the units of the surface.

    Returns
    -------
    Surface
        A vertex has the values of the original vertex that it stands for and that was nearest to it. `error` has grown
        by the largest distance of an original vertex to the new surface; every vertex counts.

    Raises
    ------
    SettingsError
        If neither end is given, or one is out of its range.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    >>> quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    >>> box = Surface(vertices=corners, triangles=np.int32(np.r_[quads[:, :3], quads[:, [0, 2, 3]]]))
    >>> len(simplify(box, triangles=12).triangles)
    12
    """
    target = _checked(triangles, max_error)
    if len(surface.triangles) <= target or max_error == 0:
        return surface
    centre, scale = _frame(surface)
    began = np.ascontiguousarray((surface.vertices - centre) / scale)
    state = _begin(began, surface)
    if max_error is None:
        state = _collapsed(state, target, np.inf)
        moved = _moved(began, state) * scale
    else:
        state, moved = _within(began, state, target, max_error / scale)
        moved *= scale
    return _finished(surface, state, centre, scale, moved)


@dataclass(frozen=True, slots=True)
class _State:
    """A surface on its way: its quadrics, original numbers of its vertices, and where every original vertex went."""

    points: Array
    triangles: Array
    quadrics: Array
    numbers: Array
    owners: Array


def _begin(points: Array, surface: Surface) -> _State:
    """Return the surface as it is."""
    from napari_seamless.mesh.finish.quadric_kernels import quadrics_of

    corners = np.array(surface.triangles, np.int32, order="C")
    numbers = np.arange(len(points), dtype=np.int32)
    return _State(points, corners, quadrics_of(points, corners), numbers, numbers)


def _within(began: Array, state: _State, target: int, limit: float) -> tuple[_State, float]:
    """Return the simplest state whose vertices are no farther away than a limit, and how far they are.

    Measuring takes as long as collapsing. The first shares are therefore measured only where a later one went too far.
    """
    shares = _SHARES if len(state.triangles) > _FEW_TRIANGLES else _FEW_SHARES
    states, known = [state], 0.0
    for share in shares:
        further = _collapsed(states[-1], target, share * limit)
        if further is states[-1]:
            continue
        states.append(further)
        if share < _MEASURED_FROM and len(further.triangles) > target:
            continue
        moved = _moved(began, further)
        if moved > limit:
            states.pop()
            break
        states, known = [further], moved
        if len(further.triangles) <= target:
            return further, moved
    while len(states) > 1:
        moved = _moved(began, states[-1])
        if moved <= limit:
            return states[-1], moved
        states.pop()
    return states[0], known


def _moved(began: Array, state: _State) -> float:
    """Return the largest distance of an original vertex to a state of the surface."""
    if len(state.points) == len(began):
        return 0.0
    return float(deviation(began, state.owners, state.points, state.triangles))


def _collapsed(state: _State, target: int, limit: float) -> _State:
    """Collapse edges; return the same state where none could."""
    from napari_seamless.mesh.finish.collapse_kernels import collapse

    points, corners, quadrics = state.points.copy(), state.triangles.copy(), state.quadrics.copy()
    into = collapse(points, corners, quadrics, target, limit)
    left = corners[:, 0] >= 0
    if left.all():
        return state
    into = _last(into)
    kept = np.flatnonzero(into == np.arange(len(into)))
    numbers = np.zeros(len(into), np.int32)
    numbers[kept] = np.arange(len(kept))
    return _State(
        points[kept], numbers[corners[left]], quadrics[kept], state.numbers[kept], numbers[into][state.owners]
    )


def _finished(surface: Surface, state: _State, centre: Array, scale: float, moved: float) -> Surface:
    """Return a surface in its own units, with what belongs to its vertices."""
    if len(state.triangles) == len(surface.triangles):
        return surface
    return replace(
        surface,
        vertices=state.points * scale + centre,
        triangles=state.triangles,
        values={name: value[state.numbers] for name, value in surface.values.items()},
        error=surface.error + moved,
    )


def _frame(surface: Surface) -> tuple[Array, float]:
    """Return the centre of a surface and the length of its edges, about: in this frame numbers are around 1."""
    first, second = surface.vertices[surface.triangles[:, 0]], surface.vertices[surface.triangles[:, 1]]
    return first.mean(axis=0), float(np.abs(second - first).sum(axis=1).mean()) or 1.0


def _last(into: Array) -> Array:
    """Follow vertices that went into others to the end."""
    while True:
        further = into[into]
        if np.array_equal(further, into):
            return into
        into = further


def _checked(triangles: int | None, max_error: float | None) -> int:
    """Return the number of triangles to aim at."""
    if triangles is None and max_error is None:
        raise SettingsError("neither triangles nor max_error is given; say how many triangles or how large an error")
    if triangles is not None and triangles < 0:
        raise SettingsError(f"triangles is {triangles}; give a number of triangles, 4 or more for a closed surface")
    if max_error is not None and not max_error >= 0:
        raise SettingsError(f"max_error is {max_error}; give a distance of 0 or more in the units of the surface")
    return max(triangles or 0, _FEWEST)
