"""Patch performance: the error of a network as a function of the coordinate inside the patch."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.errors import NoPatchesError, SettingsError
from napari_seamless.quality.measures import RATIOS, MeasureFunction, check_measure
from napari_seamless.quality.moments import Moments, moments_of
from napari_seamless.quality.processes import sum_over_processes
from napari_seamless.quality.ratio import ratio_mean, ratio_variance, stacked
from napari_seamless.quality.torch_measures import errors_of

if TYPE_CHECKING:
    import numpy as np


class PatchPerformance:
    """Mean, variance and number of errors by patch coordinate, over any number of patches.

    F. Madesta, R. Schmitz, T. Rösch and R. Werner, "Widening the Focus", MICCAI 2020, section 2.6. A flat map says that
    overlapping patches cost time and gain nothing; one that rises towards the border says how far the border reaches.

    Statistics are added up in float64 on the device of the first batch (in the host's memory for devices without
    float64), and nothing waits for the device before a result is asked for. Several threads may add at the same time.

    Parameters
    ----------
    measure : str or callable
        What an error is; a name of `napari_seamless.quality.MEASURES`, or a function of prediction and target that
        returns (batch, \\*map). A label for errors that are measured elsewhere and given to `add`.

    Raises
    ------
    SettingsError
        A ``ValueError``: `measure` is no measure.

    Examples
    --------
    >>> import torch
    >>> performance = PatchPerformance("error_rate")
    >>> for patch in ([[0.9, 0.2, 0.7, 0.1]], [[0.8, 0.9, 0.6, 0.6]]):
    ...     performance.observe(torch.tensor([patch]), torch.tensor([[1, 1, 1, 0]]))
    >>> performance.calculate_performance().tolist(), performance.n_patches_seen
    ([0.0, 0.5, 0.0, 0.5], 2)
    """

    def __init__(self, measure: str | MeasureFunction = "error_rate") -> None:
        check_measure(measure)
        self._measure = measure
        self._moments: Moments | None = None
        self._lock = threading.Lock()

    @property
    def measure(self) -> str | MeasureFunction:
        """What an error is. Another measure starts anew."""
        return self._measure

    @measure.setter
    def measure(self, measure: str | MeasureFunction) -> None:
        check_measure(measure)
        if measure != self._measure:
            self.reset()
        self._measure = measure

    @property
    def n_patches_seen(self) -> int:
        """Number of patches since the start or the last `reset`."""
        return self._moments.patches if self._moments else 0

    @property
    def count(self) -> torch.Tensor:
        """Number of values at each coordinate, (\\*map) float64; fewer than patches where some were left out."""
        moments = self._seen()
        count = moments.count.expand_as(moments.mean)
        return count[0] if self._is_ratio else count

    @property
    def mean(self) -> torch.Tensor:
        """Mean error at each coordinate, (\\*map) float64; NaN where nothing was seen."""
        moments = self._seen()
        return torch.where(self.count > 0, ratio_mean(moments) if self._is_ratio else moments.mean, torch.nan)

    @property
    def variance(self) -> torch.Tensor:
        """Variance of the error from patch to patch at each coordinate, (\\*map) float64; NaN where nothing was seen.

        The mean squared deviation from the mean. For the measures that are a ratio of two sums (soft Dice and boundary
        error), that of what a patch adds to the ratio, to first order.
        """
        moments, count = self._seen(), self.count
        variance = ratio_variance(moments) if self._is_ratio else moments.m2 / count.clamp(min=1)
        return torch.where(count > 0, variance, torch.nan)

    def calculate_performance(self) -> torch.Tensor:
        """Return the mean error at each coordinate.

        Returns
        -------
        Tensor
            (\\*map) float64: (\\*patch) for a measure that looks at all classes, the prediction's shape without the
            batch for an elementwise one (binary cross entropy, l2). NaN where nothing was seen.

        Raises
        ------
        NoPatchesError
            A ``RuntimeError``: there has been no patch.

        Warns
        -----
        UserWarning
            Some errors are not finite.
        """
        mean = self.mean
        if not bool(mean[self.count > 0].isfinite().all()) and not self._is_ratio:
            warnings.warn(
                f"the map of the measure {name_of(self._measure)} holds values that are not finite; a measure of "
                "probabilities may have been given raw scores, for which there are those that end in _with_logits.",
                stacklevel=2,
            )
        return mean

    def observe(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Measure a batch and add it.

        Parameters
        ----------
        prediction : Tensor
            (batch, class, \\*patch).
        target : Tensor
            Labels (batch, \\*patch) or (batch, 1, \\*patch), or probabilities of the prediction's shape.

        Raises
        ------
        SettingsError
            The shapes do not fit each other, the measure, or the patches before.
        """
        self._add(*stacked(errors_of(self._measure, prediction, target)))

    def add(
        self, error: torch.Tensor | np.ndarray[Any, Any], where: torch.Tensor | np.ndarray[Any, Any] | None = None
    ) -> None:
        """Add a batch of errors that are measured already.

        Parameters
        ----------
        error : Tensor or array
            (batch, \\*map), any real type.
        where : Tensor or array, optional
            Which coordinates count, bool, broadcastable to `error`: False where a patch reaches beyond the volume.

        Raises
        ------
        SettingsError
            The shape is not that of the patches before, or the measure is a ratio, which needs `observe`.

        Examples
        --------
        >>> import numpy as np
        >>> performance = PatchPerformance()
        >>> performance.add(np.array([[0, 1, 0], [1, 1, 0]]))
        >>> performance.calculate_performance().tolist()
        [0.5, 1.0, 0.0]
        """
        if self._is_ratio:
            raise SettingsError(f"errors of the measure {self._measure} cannot be added up one by one; use observe.")
        values = torch.as_tensor(error)
        self._add(values, None if where is None else torch.as_tensor(where).bool())

    def merge(self, other: PatchPerformance) -> None:
        """Add the patches of another one, which stays as it is.

        Parameters
        ----------
        other : PatchPerformance
            From another thread, process or part of the data; of the same measure and patch size.

        Raises
        ------
        SettingsError
            Measure or shape differ.
        """
        if name_of(other.measure) != name_of(self._measure):
            raise SettingsError(
                f"other measures {name_of(other.measure)}, but this one {name_of(self._measure)}; merge patch "
                "performances of one measure."
            )
        if other._moments is not None:
            self._merge(other._moments)

    def reset(self) -> None:
        """Forget all patches; patches of another size may follow."""
        with self._lock:
            self._moments = None

    def to(self, device: torch.device | str) -> PatchPerformance:
        """Move the statistics to a device and return this object."""
        with self._lock:
            self._moments = self._moments and self._moments.to(device)
        return self

    def all_reduce(self, group: Any = None) -> PatchPerformance:
        """Return the patch performance of all processes of a ``torch.distributed`` group; this one stays as it is.

        Every process of the group calls it, those that have seen no patch too, and all get the same.

        Parameters
        ----------
        group : ProcessGroup, optional
            None for all processes.
        """
        total = PatchPerformance(self._measure)
        total._moments = sum_over_processes(self._moments, group)
        return total

    def state_dict(self) -> dict[str, Any]:
        """Return all there is as plain values and tensors."""
        state: dict[str, Any] = {"measure": name_of(self._measure), "patches": self.n_patches_seen}
        if self._moments is not None:
            state |= {"count": self._moments.count, "mean": self._moments.mean, "m2": self._moments.m2}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, in place of what there is.

        Raises
        ------
        SettingsError
            The state is of another measure.
        """
        if state["measure"] != name_of(self._measure):
            raise SettingsError(
                f"the state is of the measure {state['measure']}, but this tracker's is {name_of(self._measure)}; "
                "make it with the same measure."
            )
        tensors = {name: state[name].clone() for name in ("count", "mean", "m2") if name in state}
        with self._lock:
            self._moments = Moments(patches=state["patches"], **tensors) if tensors else None

    @property
    def _is_ratio(self) -> bool:
        return isinstance(self._measure, str) and self._measure in RATIOS

    def _seen(self) -> Moments:
        if self._moments is None:
            raise NoPatchesError("there is no patch performance before the first patch; call the loss at least once.")
        return self._moments

    def _add(self, values: torch.Tensor, where: torch.Tensor | None) -> None:
        if values.ndim < 2:
            raise SettingsError(f"an error must be (batch, *patch), got the shape {tuple(values.shape)}.")
        if values.shape[0]:
            with torch.no_grad():
                self._merge(moments_of(values, where))

    def _merge(self, batch: Moments) -> None:
        with self._lock, torch.no_grad():
            if self._moments is None:
                self._moments = batch
                return
            if batch.mean.shape != self._moments.mean.shape:
                first, second = (tuple(m.mean.shape[1 if self._is_ratio else 0 :]) for m in (self._moments, batch))
                raise SettingsError(
                    f"patches must all be of one size: the map so far has the shape {first}, new ones have {second}; "
                    "call reset before patches of another size."
                )
            # What was loaded into the host's memory follows the training to its device, once.
            here = batch.mean.device if self._moments.mean.device.type == "cpu" else self._moments.mean.device
            self._moments = self._moments.to(here).merged(batch)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())


def name_of(measure: str | MeasureFunction) -> str:
    """Return the name of a measure, or of a function."""
    return measure if isinstance(measure, str) else getattr(measure, "__qualname__", type(measure).__qualname__)
