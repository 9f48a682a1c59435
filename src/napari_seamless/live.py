"""Watch in napari what goes on elsewhere: the patch performance of a network that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence


def follow_performance(
    viewer: Any, tracker: Any, *, spacing: Sequence[float] | None = None, seconds: float = 1.0
) -> Any:
    r"""Show what a tracker measures as a layer, and keep it up to date while patches come in.

    The layer "patch performance" appears with the first patch, to the right of what the viewer shows, and follows the
    tracker until it is removed, or the window is closed. Nothing waits: neither the window for the tracker nor a
    training for the window. Call it on the thread of the window, and train on another one.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    tracker : TorchPatchPerformance, TensorflowPatchPerformance or PatchPerformance
        Wrapped around the loss of a training, on any thread.
    spacing : sequence of float or None
        Voxel size along the axes of the patch, slowest first, in the units of the viewer's layers. None takes that of
        the first layer that has no more axes than the map, or 1. Axes of the map before these are classes.
    seconds : float
        Between two looks at the tracker, > 0.

    Returns
    -------
    PerformanceFollower
        With `layer`, `following` and `stop()`; need not be kept.

    Raises
    ------
    SettingsError
        `tracker` is none, or `seconds` or `spacing` are not above 0.

    Examples
    --------
    >>> import napari, threading  # doctest: +SKIP
    >>> viewer = napari.Viewer()  # doctest: +SKIP
    >>> follow_performance(viewer, loss)  # doctest: +SKIP
    >>> threading.Thread(target=train, args=(network, loss)).start()  # doctest: +SKIP
    """
    if not (hasattr(tracker, "calculate_performance") and hasattr(tracker, "n_patches_seen")):
        raise SettingsError(
            f"tracker must be a TorchPatchPerformance or a PatchPerformance, got {type(tracker).__name__}; wrap the "
            "loss with TorchPatchPerformance.track(loss)."
        )
    if not seconds > 0:
        raise SettingsError(f"seconds must be above 0, got {seconds}; try 1.")
    if spacing is not None and not (0 < len(spacing) <= 3 and all(size > 0 for size in spacing)):
        raise SettingsError(
            f"spacing must be one to three numbers above 0, one for each axis of the patch, got {spacing}; leave it "
            "out for the voxel size of the layers."
        )
    from napari_seamless._qt.performance_follower import PerformanceFollower

    return PerformanceFollower(viewer, tracker, spacing, seconds)
