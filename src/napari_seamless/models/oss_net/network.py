"""OSS-Net: a decoder that answers, for any coordinate of a volume, whether it lies inside.

C. Reich, T. Prangemeier, Ö. Çetin, H. Koeppl, *OSS-Net: memory efficient high resolution semantic segmentation of 3D
medical data* (BMVC 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_seamless.errors import ModelError, VolumeError
from napari_seamless.models.oss_net.decoder import Decoder
from napari_seamless.models.oss_net.dense import Stages, points_above, segment_in_stages
from napari_seamless.models.oss_net.encoder import PlainEncoder, SkipEncoder
from napari_seamless.models.oss_net.inference import MEMORY_BUDGET, InferenceDecoder
from napari_seamless.models.oss_net.settings import OSSNetSettings, Pooling, check_pooling, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class OSSNet(nn.Module):
    """Encoder and decoder.

    Parameters
    ----------
    settings : OSSNetSettings
        What they are built of.

    Examples
    --------
    >>> network = OSSNet.from_settings("oss_net_C2_lits").eval()
    >>> latent, _ = network.encode(torch.zeros(1, 32, 32, 32))
    >>> network.occupancy(torch.zeros(1, 9, 9, 9), torch.tensor([[4, 4, 4], [0, 0, 8]]), latent).shape
    torch.Size([2])
    """

    encoder: PlainEncoder | SkipEncoder

    def __init__(self, settings: OSSNetSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = SkipEncoder(settings) if settings.encoder == "skip" else PlainEncoder(settings)
        self.decoder = Decoder(settings)
        self._kept: tuple[Any, InferenceDecoder] | None = None

    @classmethod
    def from_settings(cls, name: str, /, **changes: Any) -> OSSNet:
        """Build a published setting, or one that begins with it, with fresh weights.

        Raises
        ------
        SettingsError
            Unknown name or field, or a value out of its range.
        """
        return cls(settings_of(name, **changes))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def forward(self, low: Tensor, coordinates: Tensor, patches: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Answer coordinates of a batch of volumes, as training needs it.

        Parameters
        ----------
        low : torch.Tensor
            (batch, channel, z, y, x): downscaled, normalised volumes.
        coordinates : torch.Tensor
            (batch, n, 3): voxel indices at full resolution.
        patches : torch.Tensor or None
            (batch, n, channel, 7, 7, 7) as of `gather_patches`; None where the settings have none.

        Returns
        -------
        occupancies : torch.Tensor
            (batch, n, class) in 0..1.
        head : torch.Tensor or None
            (batch, 1, z, y, x) in 0..1 at the latent grid, where there is a head.
        """
        latent, head = self.encoder(low)
        return self.decoder(coordinates, patches, latent), head

    @torch.no_grad()
    def encode(self, low: Any) -> tuple[Tensor, Tensor | None]:
        """Encode one volume as the network is in use: running statistics, no dropout, no gradients.

        Parameters
        ----------
        low : array-like
            (channel, z, y, x) or (1, channel, z, y, x): the volume at half its resolution, each channel with mean 0 and
            variance 1.

        Returns
        -------
        latent : torch.Tensor
            (1, vector, length).
        head : torch.Tensor or None
            (1, 1, z, y, x) in 0..1 at the latent grid, where there is a head.

        Raises
        ------
        ModelError
            Wrong channels, or a size that the encoder does not take.
        VolumeError
            Values that are not finite.
        """
        low = torch.as_tensor(low).to(self.device, torch.float32)
        low = low[None] if low.ndim == 4 else low
        channels = self.settings.channels
        if low.ndim != 5 or low.shape[:2] != (1, channels):
            came = tuple(low.shape)
            raise ModelError(f"The encoder takes one volume of {channels} channels and three axes, not shape {came}.")
        if not bool(torch.isfinite(low).all()):
            raise VolumeError(
                "The downscaled volume holds NaN or infinity; replace these values before normalising it."
            )
        training = self.encoder.training
        self.encoder.eval()
        try:
            latent, head = self.encoder(low)
        finally:
            self.encoder.train(training)
        return latent, head

    def inference(self, latent: Tensor, memory_budget: int = MEMORY_BUDGET) -> InferenceDecoder:
        """Return the decoder for one volume; it is kept until weights or latent vectors are others.

        Parameters
        ----------
        latent : torch.Tensor
            (1, vector, length), as of `encode`.
        memory_budget : int
            Bytes that the values of one chunk of coordinates may take.

        Raises
        ------
        ModelError
            Latent vectors of another network.
        """
        wanted = (1, self.settings.latent_vectors, self.settings.latent_length)
        if tuple(latent.shape) != wanted:
            raise ModelError(f"latent must have shape {wanted} for {self.settings.name}, not {tuple(latent.shape)}.")
        latent = latent.to(self.device, torch.float32)
        state = (*self.decoder.state_dict(keep_vars=True).values(), latent)
        # What is compared is kept alive, so that no other tensor can take its address.
        mark = ([(t.data_ptr(), _version(t)) for t in state], memory_budget)
        if self._kept is None or self._kept[0][0] != mark:
            made = InferenceDecoder(self.settings, self.decoder, latent, memory_budget)
            self._kept = ((mark, state), made)
        return self._kept[1]

    def occupancy(
        self, volume: Any, coordinates: Any, latent: Tensor, large_patch_pooling: Pooling | None = None
    ) -> Tensor:
        """Answer which coordinates of a volume are inside, as the network is in use.

        Parameters
        ----------
        volume : array-like
            (channel, z, y, x): tensor or lazy array at full resolution, normalised as in training. Only boxes around
            coordinates are read.
        coordinates : array-like
            (n, 3): voxel indices (z, y, x), whole or not; patches are those of the nearest voxel. A tensor
            that requires gradients gets them, twice if need be.
        latent : torch.Tensor
            (1, vector, length), as of `encode`.
        large_patch_pooling : {"mean", "max"} or None
            How large patches are pooled. None takes that of the settings: what the weights were trained with, *mean*
            for published ones. Published inference takes *max*.

        Returns
        -------
        torch.Tensor
            (n,) in 0..1 on the network's device; (n, class) where there are several classes.

        Raises
        ------
        ModelError, VolumeError, SettingsError
            Wrong shapes, values that are not finite, or an unknown pooling.
        """
        if large_patch_pooling is not None:
            check_pooling(large_patch_pooling)
        self._check_volume(volume)
        coordinates = torch.as_tensor(coordinates).to(self.device, torch.float32)
        if coordinates.ndim != 2 or coordinates.shape[1] != 3:
            raise ModelError(f"coordinates must have shape (n, 3), not {tuple(coordinates.shape)}.")
        if not bool(torch.isfinite(coordinates).all()):
            raise ModelError("coordinates hold NaN or infinity; leave these points out.")
        answers = self.inference(latent)(volume, coordinates, large_patch_pooling)
        return answers[:, 0] if self.settings.classes == 1 else answers

    @torch.no_grad()
    def segment(
        self, low: Any, volume: Any, stages: Sequence[int] = (4, 2, 1), threshold: float = 0.5, **options: Any
    ) -> Tensor:
        """Segment a whole volume from coarse to fine.

        Parameters
        ----------
        low : array-like
            As in `encode`.
        volume : array-like
            As in `occupancy`.
        stages : sequence of int
            Voxels between the points of each stage; the last is 1.
        threshold : float
            Voxels whose occupancy exceeds it are inside; with several classes, that of everything but the first.
        **options
            ``low_resolution_threshold`` and ``large_patch_pooling``, as in `segment_in_stages`.

        Returns
        -------
        torch.Tensor
            (z, y, x) bool, on the CPU.

        Raises
        ------
        ModelError, VolumeError, SettingsError
            As in `encode` and `occupancy`; a low-resolution threshold without a head; stages that leave voxels out.
        """
        grid = torch.zeros(tuple(volume.shape[1:]), dtype=torch.bool)
        plan = Stages(spacings=tuple(stages), threshold=threshold)
        for _, grid in self.segment_in_stages(low, volume, plan, **options):  # noqa: B007 - the last one counts
            pass
        return grid

    def segment_in_stages(
        self,
        low: Any,
        volume: Any,
        stages: Stages | None = None,
        *,
        low_resolution_threshold: float | None = None,
        large_patch_pooling: Pooling | None = None,
    ) -> Iterator[tuple[int, Tensor]]:
        """Segment a whole volume and yield (spacing, grid so far) after each stage, as `dense.segment_in_stages` does.

        Parameters
        ----------
        low, volume, large_patch_pooling
            As in `segment` and `occupancy`.
        stages : Stages or None
            Spacings and threshold; None for 4, 2, 1 and 0.5.
        low_resolution_threshold : float or None
            With a head: the first stage evaluates only where the head's answer exceeds it, 0.5 in the publication.
        """
        plan = stages or Stages()
        self._check_volume(volume)
        if low_resolution_threshold is not None and not self.settings.has_head:
            raise ModelError(f"low_resolution_threshold needs a head, which {self.settings.name} lacks; leave it out.")
        latent, head = self.encode(low)
        shape, first = tuple(volume.shape[1:]), None
        if head is not None and low_resolution_threshold is not None:
            first = points_above(head, shape, plan.spacings[0], low_resolution_threshold)

        @torch.no_grad()
        def inside(points: Tensor) -> Tensor:
            answers = self.occupancy(volume, points, latent, large_patch_pooling)
            return answers if answers.ndim == 1 else 1 - answers[:, 0]

        yield from segment_in_stages(inside, shape, plan, first)

    def _check_volume(self, volume: Any) -> None:
        shape, channels = tuple(volume.shape), self.settings.channels
        if len(shape) != 4 or shape[0] != channels:
            name = self.settings.name
            raise ModelError(f"{name} takes a volume of {channels} channels and three axes, not of shape {shape}.")


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
