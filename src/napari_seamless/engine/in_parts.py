"""Batches in as many parts as memory asks for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import torch

from napari_seamless.engine.gate import Gate
from napari_seamless.errors import ModelError
from napari_seamless.models import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    Evaluate = Callable[[torch.Tensor], torch.Tensor]


class InParts:
    r"""Evaluate a batch whole, or in halves of halves where memory runs out; from several threads at once.

    A size that has failed is not tried again. A single patch that fails is tried once more while nobody else
    evaluates.

    Parameters
    ----------
    batch_size : int
        Patches at once, to begin with.
    device : torch.device
        Where the voxels are.
    name : str
        The network's name, for messages.
    warn : callable
        Takes a sentence for each halving.

    Examples
    --------
    >>> in_parts = InParts(4, torch.device("cpu"), "identity", print)
    >>> in_parts(torch.zeros(4, 1, 8, 8), lambda part: part).shape
    torch.Size([4, 1, 8, 8])
    """

    def __init__(self, batch_size: int, device: torch.device, name: str, warn: Callable[[str], None]) -> None:
        self.batch_size = batch_size
        self._device = device
        self._name = name
        self._warn = warn
        self._gate = Gate()
        self._lock = threading.Lock()
        self._said_alone = False

    def __call__(self, voxels: torch.Tensor, evaluate: Evaluate) -> torch.Tensor:
        r"""Evaluate (batch, channel, \\*patch) to (batch, class, \\*patch).

        Raises
        ------
        ModelError
            There is no memory for a single patch.
        """
        outputs: list[torch.Tensor] = []
        done = 0
        while done < len(voxels):
            part = voxels[done : done + self.batch_size]
            output = self._attempt(part, evaluate)
            if output is None and len(part) > 1:
                self._halve(len(part))
                continue
            outputs.append(self._attempt_alone(part, evaluate) if output is None else output)
            done += len(part)
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def _attempt(self, part: torch.Tensor, evaluate: Evaluate) -> torch.Tensor | None:
        """Return None where memory ran out; the error, which holds on to tensors, is gone by then."""
        try:
            with self._gate.together():
                return evaluate(part)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _attempt_alone(self, part: torch.Tensor, evaluate: Evaluate) -> torch.Tensor:
        with self._gate.alone():
            self._free()
            try:
                output = evaluate(part)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                raise ModelError(self._refusal(part)) from error
        self._say_alone()
        return output

    def _halve(self, failed: int) -> None:
        self._free()
        with self._lock:
            if failed > self.batch_size:
                return  # another thread was quicker
            self.batch_size = failed // 2
        self._warn(
            f"Memory on {self._device} ran out with {failed} patches at once; the run went on with batches of "
            f"{failed // 2}, and results may differ by the network's rounding."
        )

    def _say_alone(self) -> None:
        with self._lock:
            said, self._said_alone = self._said_alone, True
        if not said:
            self._warn(f"Memory on {self._device} ran out for patches side by side; some were evaluated one by one.")

    def _refusal(self, part: torch.Tensor) -> str:
        other = "more free memory" if self._device.type == "cpu" else "the device cpu"
        return (
            f"The network {self._name} finds no memory on {self._device} for a single patch {tuple(part.shape[2:])}; "
            f"try smaller patches, the precision bfloat16 or float16, or {other}."
        )

    def _free(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
