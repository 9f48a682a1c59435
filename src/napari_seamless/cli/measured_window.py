"""A window made of the errors that the network shows on the volume that is tuned."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import napari_seamless
from napari_seamless.engine.tuning import Candidate, Tuner, default_region
from napari_seamless.errors import GeometryError, VolumeError
from napari_seamless.quality import InverseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.events import OnEvent
    from napari_seamless.engine.tuning import Point
    from napari_seamless.types import Box, Volume, Window

NAME = "performance"
"""What the window is called beside those that have a name of their own."""

_MEASURE = "error_rate"
_OVERLAP_WITH_TRUTH = 0.5
"""With a truth the map needs no dense patches: it is averaged with its mirror images and smoothed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredWindow:
    """A window with its origin.

    Parameters
    ----------
    window : Window
        The weights.
    region : Box
        Where the errors were measured.
    candidate : Candidate
        The patches that were measured.
    elsewhere : bool
        Whether the region shares no voxel with the one where settings are scored.
    is_proxy : bool
        Whether a consensus stood for the truth.
    network, volume : str
        Names of what was measured on what.
    """

    window: Window
    region: Box
    candidate: Candidate
    elsewhere: bool
    is_proxy: bool
    network: str
    volume: str

    def candidates(self, compared: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the compared settings with this window, each once; it does not fit the patches of adaptive grids."""
        with_it = (replace(c, window=self.window, name=NAME) for c in compared if c.border != "adaptive")
        return tuple(dict.fromkeys(with_it))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a person should know before trusting the score of the window."""
        texts = []
        if not self.elsewhere:
            texts.append(
                "The performance window is measured on the region where it is scored, because there is no room, or no "
                "foreground, beside it: its score is flattered, for it knows which errors chance put where."
            )
        if self.is_proxy:
            texts.append(
                "Without a truth the performance window is made of the disagreement with a consensus that trusts the "
                "middle of patches: a proxy, and hardly a reason to choose this window."
            )
        return tuple(texts)

    def to_dict(self) -> dict[str, Any]:
        """Return where the weights come from, for JSON."""
        return {
            "measure": _MEASURE,
            "fit": asdict(InverseError()),
            "kind": self.window.kind,
            "region": [list(self.region.start), list(self.region.stop)],
            "overlap": self.candidate.overlap,
            "is_proxy": self.is_proxy,
            "measured_where_scored": not self.elsewhere,
        }

    @property
    def about(self) -> dict[str, Any]:
        """What the file of the window says of it."""
        names = {"network": self.network, "volume": self.volume}
        return {**self.to_dict(), **names, "napari-seamless": napari_seamless.__version__}


def check_choices(candidates: Sequence[Candidate]) -> None:
    """Refuse choices that one window cannot serve, before the first patch.

    Raises
    ------
    GeometryError
        There are several patch sizes, or no border mode but adaptive.
    """
    if len({candidate.patch_size for candidate in candidates}) > 1:
        raise GeometryError("A performance window fits one patch size, got several; give --patch once.")
    if all(candidate.border == "adaptive" for candidate in candidates):
        raise GeometryError(
            "The border mode adaptive makes smaller patches, which a performance window does not fit; add another "
            "--border such as squeeze."
        )


def measure_window(
    tuner: Tuner,
    truth: Volume | None,
    points: Sequence[Point],
    control: Control,
    on_progress: OnEvent,
    *,
    cache_bytes: int | None = None,
) -> MeasuredWindow:
    """Measure the error by patch coordinate, if possible where nothing is scored, and make a window of it.

    Parameters
    ----------
    tuner : Tuner
        The region where settings were scored.
    truth : Volume or None
        Reference labels; None measures the disagreement with the densest of the points, a proxy.
    points : sequence of Point
        What was scored.
    control, on_progress
        As in `Tuner.evaluate`.
    cache_bytes : int or None
        Memory for the predictions of both regions together.

    Raises
    ------
    SeamlessError
        As in `Tuner.evaluate`.
    """
    usable = [point for point in points if point.border != "adaptive"]
    densest = replace(max(usable, key=lambda point: point.patches).candidate, window="gaussian")
    place = region_beside(tuner.volume, truth, tuner.region, tuner.plan_size())
    if place is not None:
        candidate = densest if truth is None else replace(densest, overlap=_OVERLAP_WITH_TRUTH)
        try:
            with Tuner(
                tuner.volume,
                tuner.model,
                tuner.settings,
                place,
                truth=truth,
                densest=_largest(densest.overlap),
                cache_bytes=None if cache_bytes is None else max(0, cache_bytes - tuner.held_bytes[0]),
            ) as other:
                return _measured(other, candidate, control, on_progress, elsewhere=True)
        except VolumeError:  # the region holds no foreground, which the scored one does
            pass
    return _measured(tuner, densest, control, on_progress, elsewhere=False)


def region_beside(volume: Volume, truth: Volume | None, region: Box, patch: tuple[int, ...]) -> Box | None:
    """Return a region of up to two patches per axis that shares no voxel with another one.

    Along one axis it may be as thin as half a patch, so that every coordinate in the patch still meets voxels of it.

    Returns
    -------
    Box or None
        None where there is no room.
    """
    shape = volume.spatial_shape
    rooms = [max(a, n - b) for a, b, n in zip(region.start, region.stop, shape, strict=True)]
    sizes = [
        tuple(min(2 * p, rooms[i] if i == axis else n) for i, (p, n) in enumerate(zip(patch, shape, strict=True)))
        for axis in range(len(shape))
        if 2 * rooms[axis] >= patch[axis]
    ]
    if not sizes:
        return None
    return default_region(volume, truth, patch_size=patch, size=max(sizes, key=math.prod), avoid=region)


def _measured(
    tuner: Tuner, candidate: Candidate, control: Control, on_progress: OnEvent, *, elsewhere: bool
) -> MeasuredWindow:
    tuner.evaluate(candidate, on_progress=on_progress, control=control)
    return MeasuredWindow(
        window=tuner.performance_window(candidate, _MEASURE),
        region=tuner.region,
        candidate=candidate,
        elsewhere=elsewhere,
        is_proxy=not tuner.has_truth,
        network=tuner.model.spec.name,
        volume=tuner.volume.name,
    )


def _largest(overlap: float | tuple[float, ...]) -> float:
    return max(overlap) if isinstance(overlap, tuple) else overlap
