"""The tracker around a torch loss."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from napari_seamless.errors import SettingsError
from napari_seamless.quality.performance import PatchPerformance, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.quality.measures import MeasureFunction


class TorchPatchPerformance(nn.Module):
    """A loss that keeps the patch performance of what passes through it, and is the same loss otherwise.

    Value and gradients are those of the loss, and arguments are passed on as they come. Its attributes are reached
    through the tracker. What is measured is detached and in full precision, also under autocast, `no_grad` and
    ``torch.compile``; statistics are added up in float64 on the device of the predictions, without waiting for it. On
    Apple's GPUs, which have no float64, they are added up in the host's memory.

    F. Madesta, R. Schmitz, T. Rösch and R. Werner, "Widening the Focus", MICCAI 2020, section 2.6.

    Parameters
    ----------
    loss : Module or callable
        Takes the prediction first and the target second, or under the names of its own signature.
    measure : str or callable
        What is kept by coordinate; independent of the loss. A name of `napari_seamless.quality.MEASURES`, or a function
        of prediction and target that returns (batch, \\*map).

    Raises
    ------
    SettingsError
        A ``ValueError``: `measure` is no measure.

    Examples
    --------
    >>> import torch
    >>> loss = TorchPatchPerformance.track(torch.nn.BCELoss(), measure="l2")
    >>> prediction = torch.tensor([[[0.5, 0.75]], [[1.0, 0.75]]], requires_grad=True)
    >>> loss(prediction, torch.ones(2, 1, 2)).backward()
    >>> loss.calculate_performance().tolist(), loss.n_patches_seen
    ([[0.25, 0.25]], 2)
    """

    def __init__(self, loss: Callable[..., Any], measure: str | MeasureFunction = "binary_cross_entropy") -> None:
        super().__init__()
        self.performance = PatchPerformance(measure)
        self.loss = loss

    @classmethod
    def track(cls, loss: Callable[..., Any], measure: str | MeasureFunction = "binary_cross_entropy") -> Self:
        """Return a loss wrapped in a tracker; the same as the constructor."""
        return cls(loss=loss, measure=measure)

    @property
    def measure(self) -> str | MeasureFunction:
        """What is kept by coordinate. Another measure starts anew."""
        return self.performance.measure

    @measure.setter
    def measure(self, measure: str | MeasureFunction) -> None:
        self.performance.measure = measure

    @property
    def n_patches_seen(self) -> int:
        """Number of patches since the start or the last `reset`."""
        return self.performance.n_patches_seen

    @property
    def count(self) -> torch.Tensor:
        """Number of values at each coordinate, (\\*map) float64."""
        return self.performance.count

    @property
    def mean(self) -> torch.Tensor:
        """Mean error at each coordinate, (\\*map) float64."""
        return self.performance.mean

    @property
    def variance(self) -> torch.Tensor:
        """Variance of the error from patch to patch at each coordinate, (\\*map) float64."""
        return self.performance.variance

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the loss; measure what it was given."""
        value = self.loss(*args, **kwargs)
        self._observe(args, kwargs)
        return value

    def calculate_performance(self) -> torch.Tensor:
        """Return the mean error at each coordinate, as `PatchPerformance.calculate_performance` does."""
        return self.performance.calculate_performance()

    def reset(self) -> None:
        """Forget all patches, as after the first epochs, when the network had learned little."""
        self.performance.reset()

    def merge(self, other: TorchPatchPerformance | PatchPerformance) -> None:
        """Add the patches of another tracker, which stays as it is."""
        self.performance.merge(other if isinstance(other, PatchPerformance) else other.performance)

    def all_reduce(self, group: Any = None) -> PatchPerformance:
        """Return the patch performance of all processes of a ``torch.distributed`` group."""
        return self.performance.all_reduce(group)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _observe(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        prediction, target = self._prediction_and_target(args, kwargs)
        ignored = getattr(self.loss, "ignore_index", None)
        if isinstance(ignored, int) and ignored >= 0 and target.shape != prediction.shape:
            target = target.long().masked_fill(target == ignored, -1)  # as any other label that is no class
        self.performance.observe(prediction, target)

    def _prediction_and_target(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        found = [kwargs.get("input"), kwargs.get("target")]
        found = [args[i] if value is None and i < len(args) else value for i, value in enumerate(found)]
        if any(value is None for value in found):
            found = self._by_signature(args, kwargs)
        prediction, target = found
        if not (isinstance(prediction, torch.Tensor) and isinstance(target, torch.Tensor)):
            raise SettingsError(
                "the loss must be called with a prediction and a target, both tensors, got "
                f"{', '.join([*(type(value).__name__ for value in args), *kwargs]) or 'nothing'}."
            )
        return prediction, target

    def _by_signature(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the first two arguments by the names that the loss itself gives them."""
        function = self.loss.forward if isinstance(self.loss, nn.Module) else self.loss
        bound = inspect.signature(function).bind(*args, **kwargs)
        names = list(inspect.signature(function).parameters)[:2]
        return [bound.arguments.get(name) for name in names] if len(names) == 2 else [None, None]

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        moments = self.performance.state_dict()
        if "mean" in moments:
            # The device that the module goes to; float64 stays, whatever type its weights get.
            self.performance.to(fn(moments["mean"].flatten()[:0]).device)
        return self

    def extra_repr(self) -> str:
        """Return what the module's text says beside its loss."""
        return f"measure={name_of(self.measure)}, n_patches_seen={self.n_patches_seen}"

    def get_extra_state(self) -> dict[str, Any]:
        """Return the statistics for the module's state dict."""
        return self.performance.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take over the statistics of a state dict."""
        self.performance.load_state_dict(state)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            loss = self.__dict__.get("loss") or self.__dict__.get("_modules", {}).get("loss")
            if loss is None or name.startswith("__"):
                raise
            return getattr(loss, name)
