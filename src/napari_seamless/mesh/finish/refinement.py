"""Move a surface to where a differentiable occupancy has its level."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    import torch

    from napari_seamless.types import Surface

OnStep = Callable[[int, float], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """How a surface is moved.

    Parameters
    ----------
    level : float
        Occupancy that the surface is to lie at.
    steps : int
        Number of steps.
    learning_rate : float
        Of RMSprop, in units of `scale`: about how far a vertex moves in a step.
    normal_weight : float
        Weight of the difference between normals, beside that of occupancies.
    scale : float
        Length that vertices are measured in: the size of a voxel, or half of the volume where a network's coordinates
        go from -1 to 1.
    seed : int
        Of the points that are drawn.
    """

    level: float = 0.5
    steps: int = 200
    learning_rate: float = 1e-3
    normal_weight: float = 0.01
    scale: float = 1.0
    seed: int = 0


def refine_by_occupancy(
    surface: Surface,
    occupancy: Callable[[torch.Tensor], torch.Tensor],
    settings: Refinement | None = None,
    *,
    device: str = "cpu",
    on_step: OnStep | None = None,
) -> Surface:
    """Move the vertices down the gradient of how much the surface misses a level.

    In each step a point is drawn on every triangle (Dirichlet, concentration 0.5, which prefers edges and corners). The
    loss is the mean of (occupancy - level) squared, plus the weighted mean of the squared length of the
    difference between the normal of the triangle and the direction in which the occupancy falls.

    Parameters
    ----------
    surface : Surface
        Near the level, inside where the occupancy is higher.
    occupancy : callable
        Takes (point, 3) float32 positions z, y, x in the units of the surface and returns (point,); twice
        differentiable.
    settings : Refinement or None
        None for the defaults.
    device : str
        Where the points are made.
    on_step : callable or None
        Called with the number of the step, from 1, and its loss; what it raises ends the refinement.

    Returns
    -------
    Surface
        The same triangles; the same bytes for the same seed on the same device.

    Raises
    ------
    SettingsError
        If a setting is out of its range, or the occupancy returns another shape or what is not a number.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> corners = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [-1, -1, -1]], float)
    >>> sides = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]], np.int32)
    >>> ball = lambda points: (1.5 - points.norm(dim=1)).sigmoid()
    >>> refined = refine_by_occupancy(Surface(vertices=corners, triangles=sides), ball, Refinement(steps=2))
    >>> refined.vertices.shape
    (4, 3)
    """
    chosen = settings or Refinement()
    _check(chosen)
    if not len(surface.triangles) or chosen.steps == 0:
        return surface
    import torch

    origin = torch.as_tensor(surface.vertices, dtype=torch.float64, device=device)
    corners = torch.as_tensor(surface.triangles, dtype=torch.int64, device=device)
    moved = torch.zeros_like(origin, requires_grad=True)
    optimiser = torch.optim.RMSprop([moved], lr=chosen.learning_rate)
    draws = torch.Generator().manual_seed(chosen.seed)
    for step in range(1, chosen.steps + 1):
        squares = torch.randn((len(corners), 3), generator=draws, dtype=torch.float64).square().to(device)
        shares = squares / squares.sum(dim=1, keepdim=True)
        loss = _loss((origin + moved * chosen.scale)[corners], shares, occupancy, chosen)
        # The sum over triangles, lest RMSprop's epsilon count for more the more triangles there are.
        (moved.grad,) = torch.autograd.grad(loss * len(corners), moved)
        optimiser.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise SettingsError(f"the occupancy, or its gradient, is not finite in step {step}; look for NaN in it")
        if on_step is not None:
            on_step(step, value)
    return replace(surface, vertices=(origin + moved.detach() * chosen.scale).cpu().numpy().astype(np.float64))


def _loss(
    corners: torch.Tensor,
    shares: torch.Tensor,
    occupancy: Callable[[torch.Tensor], torch.Tensor],
    settings: Refinement,
) -> torch.Tensor:
    """Return the loss of points on triangles, given their corners and the shares of these."""
    import torch
    from torch.nn.functional import normalize

    points = (corners * shares[..., None]).sum(dim=1).float()
    found = occupancy(points)
    if found.shape != (len(points),):
        raise SettingsError(
            f"occupancy returned shape {tuple(found.shape)} for {len(points)} points; one number for each is expected"
        )
    loss = (found - settings.level).square().mean()
    if settings.normal_weight > 0:
        (gradient,) = torch.autograd.grad(found.sum(), points, create_graph=True)
        first, second, third = corners.unbind(dim=1)
        normals = normalize(torch.linalg.cross(second - first, third - first), dim=1)
        away = (normals + normalize(gradient, dim=1)).square().sum(dim=1).mean()
        loss = loss + settings.normal_weight * away
    return loss


def _check(settings: Refinement) -> None:
    """Refuse settings out of their range."""
    if settings.steps < 0:
        raise SettingsError(f"steps is {settings.steps}; give 0 or more")
    if not (settings.learning_rate > 0 and settings.scale > 0):
        raise SettingsError(
            f"learning_rate is {settings.learning_rate} and scale {settings.scale}; give positive numbers"
        )
    if not settings.normal_weight >= 0:
        raise SettingsError(f"normal_weight is {settings.normal_weight}; give 0 or more")
