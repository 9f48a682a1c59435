"""How wrong a prediction is at each coordinate of a patch: the measures by name, and the shapes that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

MEASURES = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "l2",
    "l2_with_logits",
    "cross_entropy",
    "log_loss",
    "soft_dice",
    "soft_dice_with_logits",
    "error_rate",
    "error_rate_with_logits",
    "boundary_error",
    "boundary_error_with_logits",
)
"""The names of the measures. Those that end in `_with_logits`, and `cross_entropy`, take raw scores, the others
probabilities."""

RATIOS = frozenset(name for name in MEASURES if name.startswith(("soft_dice", "boundary_error")))
"""Measures that divide one sum over patches by another one."""

MeasureFunction: TypeAlias = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Errors:
    """What one batch has to say about each coordinate.

    Parameters
    ----------
    values : Tensor
        (batch, \\*map): the error; for a ratio its numerator.
    below : Tensor, optional
        The denominator of a ratio, of the same shape.
    where : Tensor, optional
        Which coordinates count, bool, broadcastable to `values`; None for all.
    """

    values: torch.Tensor
    below: torch.Tensor | None = None
    where: torch.Tensor | None = None


def check_measure(measure: str | MeasureFunction) -> None:
    """Refuse what is neither the name of a measure nor a function.

    Raises
    ------
    SettingsError
        A ``ValueError`` that lists the names.
    """
    if not callable(measure) and measure not in MEASURES:
        raise SettingsError(f"measure must be one of {', '.join(MEASURES)}, or a function, got {measure!r}.")
