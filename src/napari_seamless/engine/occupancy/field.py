"""The occupancy of a volume as a function of coordinates, whatever was encoded together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.engine.occupancy.downscaled import half_resolution
from napari_seamless.engine.occupancy.part_grid import PartGrid
from napari_seamless.engine.occupancy.parts import encoder_bytes, parts_of
from napari_seamless.errors import ModelError, OutOfMemoryError
from napari_seamless.models import is_out_of_memory
from napari_seamless.models.oss_net import InferenceDecoder, OSSNet
from napari_seamless.models.oss_net.dense import points_above

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from napari_seamless.engine.occupancy.parts import Part
    from napari_seamless.engine.occupancy.settings import OccupancySettings
    from napari_seamless.engine.occupancy.source import NormalizedVolume

_LEAST_KEPT_DECODERS = 4
_DECODER_SHARE = 16
"""This part of the budget may hold decoders that are folded for their parts."""

_LEAST_BATCH_BYTES = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A part of the volume and what its encoder made of it.

    Parameters
    ----------
    part : Part
        The part.
    latent : torch.Tensor
        (1, vector, length).
    first : numpy.ndarray or None
        Boolean, points of the first stage counted from the part's origin that its head asks for; None for all.
    """

    part: Part
    latent: torch.Tensor
    first: np.ndarray[Any, Any] | None


class OccupancyField:
    """A volume as its network sees it.

    Parameters
    ----------
    network : OSSNet
        The network, where it is to run.
    volume : NormalizedVolume
        What it looks at.
    settings : OccupancySettings
        Stages, thresholds, pooling, memory.
    between : callable
        Called with blocks done and blocks in all while the volume is encoded.

    Raises
    ------
    ModelError
        A low-resolution threshold for a network without a head.
    VolumeError
        Values that are not finite.
    OutOfMemoryError
        The device does not hold one part.
    """

    def __init__(
        self,
        network: OSSNet,
        volume: NormalizedVolume,
        settings: OccupancySettings,
        between: Callable[[int, int], None],
    ) -> None:
        self.network, self.volume, self._settings = network, volume, settings
        check_head(network, settings)
        self._batch_bytes = settings.batch_bytes
        self._decoders: OrderedDict[int, InferenceDecoder] = OrderedDict()
        self._lock = threading.RLock()
        spacing = settings.plan.spacings[0]
        parts = parts_of(volume.shape[1:], network.settings, spacing, settings.budget_bytes // 2)
        self.encoded = [
            self._encode(part, lambda done, total, i=i: between(i * total + done, len(parts) * total))  # type: ignore[misc]
            for i, part in enumerate(parts)
        ]
        self.grid = PartGrid.of(parts)
        folded = sum(4 * value.numel() for value in network.decoder.blocks.parameters())
        self._kept = max(_LEAST_KEPT_DECODERS, settings.budget_bytes // _DECODER_SHARE // max(1, folded))

    @property
    def is_cut(self) -> bool:
        """Whether the volume is encoded in parts."""
        return len(self.encoded) > 1

    def answers(
        self, number: int, points: torch.Tensor, between: Callable[[int], object] | None = None
    ) -> torch.Tensor:
        """Answer coordinates with the latent vectors of one part.

        Parameters
        ----------
        number : int
            Place of the part in `encoded`.
        points : torch.Tensor
            (n, 3) float32 or int64 voxel indices of the volume; gradients reach them where they ask for it.
        between : callable or None
            Called with a number of coordinates before they are answered.

        Returns
        -------
        torch.Tensor
            (n, class) in 0..1 on the network's device.

        Raises
        ------
        OutOfMemoryError
            The device does not hold even a small batch.
        """
        points = points.to(self.network.device, torch.float32)
        origin = torch.tensor(self.encoded[number].part.origin, dtype=torch.float32, device=points.device)
        while True:
            try:
                return self._decoder(number)(
                    self.volume, points, self._settings.large_patch_pooling, origin=origin, between=between
                )
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(error)

    def occupancy(self, points: torch.Tensor) -> torch.Tensor:
        """Answer coordinates anywhere, each with the latent vectors of the part that it lies in.

        Parameters
        ----------
        points : torch.Tensor
            (n, 3) voxel indices, also between voxels and beyond the volume.

        Returns
        -------
        torch.Tensor
            (n,) in 0..1; with several classes that of everything but the first.
        """
        if not self.is_cut:
            return inside(self.answers(0, points))
        voxels = (points.detach() + 0.5).floor().long()
        found, places = [], []
        for number, here in self.grid.groups(voxels):
            found.append(inside(self.answers(number, points[here])))
            places.append(here)
        joined = torch.cat(found)
        return torch.zeros_like(joined).index_copy(0, torch.cat(places).to(joined.device), joined)

    def _encode(self, part: Part, between: Callable[[int, int], None]) -> Encoded:
        low = half_resolution(self.volume, part.origin, part.low_shape, between)
        try:
            latent, head = self.network.encode(low)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            need = encoder_bytes(part.low_shape, self.network.settings) // 2**20
            raise OutOfMemoryError(
                f"Encoding {part.low_shape} voxels needs about {need} MiB on {self.network.device}; {self._advice}."
            ) from error
        threshold = self._settings.low_resolution_threshold
        if head is None or threshold is None:
            return Encoded(part, latent, None)
        # The head's grid ends where the encoder's input does; that of a small volume reaches beyond the volume.
        whole = tuple(
            edge if origin == 0 and edge // 2 == low_edge else 2 * low_edge
            for edge, origin, low_edge in zip(self.volume.shape[1:], part.origin, part.low_shape, strict=True)
        )
        return Encoded(part, latent, self._asked_for(head, part, whole, threshold).cpu().numpy())

    def _asked_for(self, head: torch.Tensor, part: Part, whole: tuple[int, ...], threshold: float) -> torch.Tensor:
        spacing = self._settings.plan.spacings[0]
        before = [-o % spacing for o in part.origin]
        if not any(before):
            return points_above(head, whole, spacing, threshold)
        # A crop that does not begin at a point of the stage: what its head says of voxels, where the points are.
        return points_above(head, whole, 1, threshold)[tuple(slice(b, None, spacing) for b in before)]

    @property
    def _advice(self) -> str:
        if self.network.settings.crop is not None:
            return "choose another device, or train with smaller crops"
        return "set a smaller memory budget, which cuts the volume into parts, or another device"

    def _decoder(self, number: int) -> InferenceDecoder:
        with self._lock:
            if number not in self._decoders:
                like = next(iter(self._decoders.values()), None)
                if len(self._decoders) >= self._kept:
                    self._decoders.popitem(last=False)
                network, latent = self.network, self.encoded[number].latent
                self._decoders[number] = InferenceDecoder(
                    network.settings, network.decoder, latent, self._batch_bytes, like=like
                )
            self._decoders.move_to_end(number)
            return self._decoders[number]

    def _shrink(self, error: BaseException) -> None:
        with self._lock:
            self._batch_bytes //= 2
            self._decoders.clear()
        if self.network.device.type == "cuda":
            torch.cuda.empty_cache()
        if self._batch_bytes < _LEAST_BATCH_BYTES:
            raise OutOfMemoryError(
                f"{self.network.device} has no memory left for a small batch of coordinates; choose another device."
            ) from error


def inside(answers: torch.Tensor) -> torch.Tensor:
    """Return (n,) how much each of (n, class) answers is inside: everything but the first of several classes."""
    return answers[:, 0] if answers.shape[1] == 1 else 1 - answers[:, 0]


def check_head(network: OSSNet, settings: OccupancySettings) -> None:
    """Refuse a low-resolution threshold where there is no head."""
    if settings.low_resolution_threshold is not None and not network.settings.has_head:
        raise ModelError(f"low_resolution_threshold needs a head, which {network.settings.name} lacks; leave it out.")
