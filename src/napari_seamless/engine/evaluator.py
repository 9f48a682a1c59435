"""Evaluate batches: in the precision that holds, over flips, and with less memory where it runs out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import torch

from napari_seamless.engine.flips import flipped_axes, mean_over_flips
from napari_seamless.engine.in_parts import InParts
from napari_seamless.engine.network_call import NetworkCall
from napari_seamless.engine.precision import disagreement, is_finite, reduced_type
from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Box, Model, Plan


class Evaluator:
    r"""Evaluate the batches of a run on one device, from several threads at once.

    In 16 bits only after `verify`; before, and where that finds a difference, in float32.

    Parameters
    ----------
    model : Model
        The network, already on `device`.
    device : torch.device
        Where it runs.
    settings : RunSettings
        `precision`, `channels_last`, `compile` and `flips` are what is used of them.
    plan : Plan
        Its spatial axes and batch size.
    warn : callable
        Takes a sentence whenever something is done otherwise than asked; called from the evaluating threads.

    Examples
    --------
    >>> from napari_seamless.models import load_model
    >>> from napari_seamless.plan import make_plan
    >>> from napari_seamless.recipe import RunSettings
    >>> plan = make_plan((8, 8), 4, batch_size=2)
    >>> evaluate = Evaluator(load_model(lambda x: x), torch.device("cpu"), RunSettings(), plan, print)
    >>> evaluate(torch.zeros(2, 1, 4, 4)).shape
    torch.Size([2, 1, 4, 4])
    """

    def __init__(
        self, model: Model, device: torch.device, settings: RunSettings, plan: Plan, warn: Callable[[str], None]
    ) -> None:
        self._name = model.spec.name
        self._probabilities = model.spec.activation != "none"
        self.device = device
        self._axes = plan.axes
        self._flips = flipped_axes(settings.flips, plan.axes)
        self._warn = warn
        self._call = NetworkCall(model, device, settings, warn)
        self._channels_last = settings.channels_last
        self._reduced = reduced_type(settings.precision, device)
        self._dtype: torch.dtype | None = None
        self._in_parts = InParts(plan.batch_size, device, model.spec.name, warn)
        self._lock = threading.Lock()
        self._said_overflow = False
        if settings.channels_last is True and not self._call.lay_out(len(plan.axes), channels_last=True):
            warn(f"channels_last exists for 2 and 3 spatial axes, not for {len(plan.axes)}; it is left out.")

    @property
    def needs_verification(self) -> bool:
        """Whether `verify` has something to do."""
        return self._reduced is not None

    @property
    def dtype(self) -> torch.dtype:
        """The type that the network computes in."""
        return self._dtype or torch.float32

    def verify(self, voxels: torch.Tensor) -> None:
        r"""Decide whether 16 bits will do, by evaluating a batch both ways; see `disagreement`.

        Call it before the first batch, from one thread, with the first batch of the plan always, on resuming
        too: a resumed run then decides as the first one did.

        Parameters
        ----------
        voxels : torch.Tensor
            (batch, channel, \\*patch) float32 on the device.
        """
        if self._reduced is None:
            return
        self._dtype = None
        reference = self(voxels)
        if not is_finite(reference):
            return  # the run will stop at this patch, in float32
        if self._channels_last == "auto" and self.device.type == "cuda":
            # fast kernels take 16 bits channels last and would convert each layer; float32 gains nothing certain
            self._call.lay_out(len(self._axes), channels_last=True)
        reason = self._tried(voxels, reference)
        if reason is None:
            self._dtype = self._reduced
            return
        if self._channels_last == "auto":
            self._call.lay_out(len(self._axes), channels_last=False)
        self._warn(
            f"The network {self._name} runs in float32, because in {_named(self._reduced)} it {reason} "
            "for the first batch."
        )

    def __call__(self, voxels: torch.Tensor) -> torch.Tensor:
        r"""Evaluate a batch.

        Parameters
        ----------
        voxels : torch.Tensor
            (batch, channel, \\*patch) float32 on the device.

        Returns
        -------
        torch.Tensor
            (batch, class, \\*patch) float32 on the device; it may share memory with `voxels`. Not checked for NaN:
            see `check_finite`.

        Raises
        ------
        ModelError
            The network fails, returns another shape, or finds no memory for a single patch.
        """
        with torch.inference_mode():
            return self._in_parts(voxels, self._surely_finite)

    def _tried(self, voxels: torch.Tensor, reference: torch.Tensor) -> str | None:
        """Return what speaks against 16 bits; None where nothing does."""
        try:
            with torch.inference_mode():
                reduced = self._in_parts(voxels, lambda part: self._passes(part, self._reduced))
                return disagreement(reduced, reference, probabilities=self._probabilities)
        except (ModelError, RuntimeError, TypeError) as error:  # a foreign model, or autocast itself
            return f"fails ({str(error).rstrip('.')})"

    def _surely_finite(self, voxels: torch.Tensor) -> torch.Tensor:
        """Evaluate in the type that was decided on; an overflow of 16 bits in float32."""
        output = self._passes(voxels, self._dtype)
        if self._dtype is None or is_finite(output):
            return output
        self._say_overflow(self._dtype)
        return self._passes(voxels, None)

    def _passes(self, voxels: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
        return mean_over_flips(lambda flipped: self._call(flipped, dtype), voxels, self._flips)

    def _say_overflow(self, dtype: torch.dtype) -> None:
        with self._lock:
            said, self._said_overflow = self._said_overflow, True
        if not said:
            self._warn(
                f"The network {self._name} overflowed in {_named(dtype)}; such batches are evaluated in float32."
            )


def check_finite(output: torch.Tensor, boxes: Sequence[Box], name: str) -> None:
    r"""Refuse NaN and infinity.

    Parameters
    ----------
    output : torch.Tensor
        (batch, class, \\*patch) float32.
    boxes : sequence of Box
        Where each patch lies, for the message.
    name : str
        The network's name, for the message.

    Raises
    ------
    ModelError
        A patch holds NaN or infinity; the text names the first one.
    """
    if is_finite(output):
        return
    box = next(box for patch, box in zip(output, boxes, strict=True) if not is_finite(patch))
    raise ModelError(
        f"The network {name} returned NaN or infinity for the patch from {box.start} to {box.stop}; "
        "check its weights and the normalisation it expects."
    )


def _named(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
