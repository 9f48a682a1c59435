"""Which of several settings is worth its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Scored(Protocol):
    """What is known of a setting: how good it is, and how long it takes."""

    @property
    def dice(self) -> float:
        """Quality in [0, 1]."""
        ...

    @property
    def seconds(self) -> float:
        """Predicted time of a whole run."""
        ...

    @property
    def seam_energy(self) -> float | None:
        """Mean disagreement of overlapping patches; None where none overlap."""
        ...

    @property
    def is_proxy(self) -> bool:
        """Whether the quality is agreement with a consensus and not with a truth."""
        ...

    @property
    def setting(self) -> str:
        """What was chosen, in words."""
        ...


PointT = TypeVar("PointT", bound=Scored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Generic[PointT]):
    """What to choose, and what it costs.

    Parameters
    ----------
    recommended : point
        The cheapest one within the tolerance of the best.
    pareto : tuple of point
        Those that no other one beats in both quality and time, cheapest first.
    tolerance : float
        Part of the best quality that may be given up.
    sentence : str
        What is recommended, and what is given up for it.
    """

    recommended: PointT
    pareto: tuple[PointT, ...]
    tolerance: float
    sentence: str


def advise(points: Sequence[PointT], tolerance: float = 0.005) -> Advice[PointT]:
    """Recommend the cheapest setting whose quality is close enough to the best.

    Of equally cheap ones the best, then the one with the least seam energy, then the first.

    Parameters
    ----------
    points : sequence of point
        At least one; see `Scored`.
    tolerance : float
        Part of the best quality that may be given up, in [0, 1).

    Returns
    -------
    Advice

    Raises
    ------
    SettingsError
        There is no point, or the tolerance is out of its range.
    """
    if not points:
        raise SettingsError("There is nothing to recommend without a point; score one setting at least.")
    if not 0 <= tolerance < 1:
        raise SettingsError(f"tolerance must be at least 0 and below 1, got {tolerance:g}; try 0.005.")
    best = min(points, key=lambda point: (-point.dice, point.seconds))
    enough = [point for point in points if point.dice >= best.dice * (1 - tolerance)]
    recommended = min(enough, key=_cheapest_first)
    return Advice(
        recommended=recommended,
        pareto=pareto_front(points),
        tolerance=tolerance,
        sentence=_sentence(recommended, best),
    )


def pareto_front(points: Sequence[PointT]) -> tuple[PointT, ...]:
    """Return the points that no other one beats in both quality and time, cheapest first.

    Of points with equal quality and time there is the one with the least seam energy.
    """
    front: list[PointT] = []
    for point in sorted(points, key=_cheapest_first):
        if not front or point.dice > front[-1].dice:
            front.append(point)
    return tuple(front)


def _cheapest_first(point: Scored) -> tuple[float, float, float]:
    return point.seconds, -point.dice, 0.0 if point.seam_energy is None else point.seam_energy


def _sentence(recommended: Scored, best: Scored) -> str:
    measure = "agreement with the consensus of the densest overlap (a proxy: there is no truth)"
    measure = measure if recommended.is_proxy else "mean Dice"
    if best.dice <= 0:
        return (
            f"No setting reaches a {measure} above 0 here; choose a region where the network finds what is there, or "
            "larger patches."
        )
    begin = f"{recommended.setting} takes about {_seconds(recommended.seconds)} for the whole volume"
    if recommended.setting == best.setting:
        return f"{begin} and has the best {measure}, {best.dice:.4f}; nothing is given up."
    ratio = best.seconds / recommended.seconds if recommended.seconds > 0 else 1.0
    lost = best.dice - recommended.dice
    return (
        f"{begin}, {ratio:.1f} times less than {best.setting} ({_seconds(best.seconds)}), and gives up {lost:.4f} "
        f"of its {measure}: {recommended.dice:.4f} instead of {best.dice:.4f}."
    )


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
