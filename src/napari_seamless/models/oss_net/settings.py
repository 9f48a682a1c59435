"""The settings of an OSS-Net: what its encoder, patches and decoder look like, by published name or of one's own."""

from __future__ import annotations

import difflib
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from napari_seamless.errors import SettingsError

EncoderKind = Literal["plain", "skip"]
Pooling = Literal["mean", "max"]

PATCH = 7
"""Edge of a patch, in voxels for local patches and in pairs of voxels for large ones."""

FOURIER_FREQUENCIES = 16


def check_pooling(pooling: str) -> None:
    """Refuse a way of pooling large patches that is neither mean nor max."""
    _check(pooling in get_args(Pooling), f"large_patch_pooling must be mean or max, not {pooling!r}.")


def _check(right: bool, sentence: str) -> None:
    if not right:
        raise SettingsError(sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class OSSNetSettings:
    """What one network is built of.

    Parameters
    ----------
    name : str
        Published name, or any name for settings of one's own.
    channels : int
        Channels of the image, at least 1.
    encoder_channels : tuple of int
        Channels of each block of the encoder; every block halves the resolution.
    latent_grid : tuple of int
        (z, y, x) of the grid that the encoder ends with; its product is the length of a latent vector.
    width : int
        Features of each decoder block.
    decoder_blocks : int
        Blocks of the decoder.
    local_patches, large_patches : bool
        Whether the decoder sees 7^3 voxels around a coordinate, and 14^3 voxels pooled to 7^3; the latter need the
        former.
    encoder : {"plain", "skip"}
        Plain: one latent vector, one input size. Skip: one vector more than there are decoder blocks, any input size.
    low_resolution_head : bool
        Whether a segmentation at the latent grid is asked for. Only the skip encoder has one.
    fourier_features : bool
        Whether coordinates are joined by 32 sines and cosines.
    classes : int
        1 for one occupancy (sigmoid), more for a softmax whose first class is the background.
    large_patch_pooling : {"mean", "max"}
        How large patches were pooled in training, which is the default of inference.
    dropout : float
        Share of features dropped in training, 0 to below 1.
    crop : tuple of int or None
        (z, y, x) voxels of the crops that the weights were trained on, even numbers: latent vectors are those of a
        crop, and coordinates count from its corner. None: those of whole volumes.

    Raises
    ------
    SettingsError
        A value is out of its range.

    Examples
    --------
    >>> settings_of("oss_net_C2_bra_ts").encoder_size
    (128, 128, 80)
    """

    name: str = "custom"
    channels: int
    encoder_channels: tuple[int, ...]
    latent_grid: tuple[int, int, int]
    width: int = 512
    decoder_blocks: int = 5
    local_patches: bool = True
    large_patches: bool = False
    encoder: EncoderKind = "plain"
    low_resolution_head: bool = False
    fourier_features: bool = False
    classes: int = 1
    large_patch_pooling: Pooling = "mean"
    dropout: float = 0.0
    crop: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse what no network can be built of."""
        numbers = {"channels": self.channels, "width": self.width, "decoder_blocks": self.decoder_blocks}
        numbers["classes"] = self.classes
        for name, value in numbers.items():
            _check(value >= 1, f"{name} must be 1 or more and is {value}; give a larger number.")
        sizes = (*self.encoder_channels, *self.latent_grid)
        right = bool(self.encoder_channels) and len(self.latent_grid) == 3 and min(sizes) >= 1
        shown = f"{self.encoder_channels} and {self.latent_grid}"
        _check(right, f"encoder_channels and latent_grid must hold positive sizes, three for the grid, not {shown}.")
        _check(self.encoder in get_args(EncoderKind), f"encoder must be plain or skip, not {self.encoder!r}.")
        check_pooling(self.large_patch_pooling)
        alone = self.large_patches and not self.local_patches
        _check(not alone, "large_patches needs local_patches, which are off; turn them on.")
        narrow = self.encoder == "skip" and min(self.encoder_channels) < 2
        _check(not narrow, "encoder_channels of a skip encoder must be 2 or more, because it halves them.")
        _check(0 <= self.dropout < 1, f"dropout must be 0 to below 1 and is {self.dropout}.")
        self._check_crop()

    def _check_crop(self) -> None:
        if self.crop is None:
            return
        halves = all(isinstance(n, int) and n >= 2 and n % 2 == 0 for n in self.crop)
        _check(len(self.crop) == 3 and halves, f"crop must be three even numbers of voxels, not {self.crop}.")
        size = tuple(2 * n for n in self.encoder_size)
        fits = self.encoder == "skip" or self.crop == size
        _check(fits, f"crop must be {size} voxels for this plain encoder, not {self.crop}.")

    @property
    def latent_length(self) -> int:
        """Length of a latent vector."""
        return math.prod(self.latent_grid)

    @property
    def latent_vectors(self) -> int:
        """Number of latent vectors: the first joins the decoder's input, the others condition one block each."""
        return self.decoder_blocks + 1 if self.encoder == "skip" else 1

    @property
    def encoder_size(self) -> tuple[int, int, int]:
        """(z, y, x) of the encoder's input: the only one for a plain encoder, the published one for a skip encoder."""
        z, y, x = (edge << len(self.encoder_channels) for edge in self.latent_grid)
        return z, y, x

    @property
    def patch_channels(self) -> int:
        """Channels of the patches around a coordinate: none, the image's, or twice as many with large patches."""
        return self.channels * (int(self.local_patches) + int(self.large_patches))

    @property
    def coordinate_features(self) -> int:
        """Features that a coordinate alone brings."""
        return 3 + (2 * FOURIER_FREQUENCIES if self.fourier_features else 0)

    @property
    def in_features(self) -> int:
        """Width of the decoder's input."""
        return self.coordinate_features + (PATCH**3 if self.local_patches else 0) + self.latent_length

    @property
    def has_head(self) -> bool:
        """Whether the encoder segments at the latent grid."""
        return self.low_resolution_head and self.encoder == "skip"


_VARIANTS: dict[str, dict[str, Any]] = {
    "vanilla_o_net": {"local_patches": False, "width": 256},
    "vanilla_o_net_wide": {"local_patches": False},
    "oss_net_A": {},
    "oss_net_B": {"large_patches": True},
    "oss_net_C1": {"encoder": "skip"},
    "oss_net_C2": {"encoder": "skip", "large_patches": True},
    "oss_net_D1": {"fourier_features": True},
    "oss_net_D2": {"fourier_features": True, "large_patches": True},
    "oss_net_E1": {"low_resolution_head": True},
    "oss_net_E2": {"low_resolution_head": True, "large_patches": True},
    "oss_net_full": {"encoder": "skip", "low_resolution_head": True},
    "oss_net_full2": {"encoder": "skip", "low_resolution_head": True, "large_patches": True},
}

_DATA_SETS: dict[str, dict[str, Any]] = {
    "bra_ts": {"channels": 4, "encoder_channels": (16, 32, 64, 128), "latent_grid": (8, 8, 5)},
    "lits": {"channels": 1, "encoder_channels": (8, 16, 32, 64, 128), "latent_grid": (8, 8, 8)},
}

SETTINGS: dict[str, OSSNetSettings] = {
    f"{variant}_{data}": OSSNetSettings(name=f"{variant}_{data}", **values, **sizes)
    for data, sizes in _DATA_SETS.items()
    for variant, values in _VARIANTS.items()
}
"""The 24 published settings by name."""


def settings_of(name: str, /, **changes: Any) -> OSSNetSettings:
    """Return a published setting, or one of one's own that begins with it.

    Parameters
    ----------
    name : str
        One of `SETTINGS`.
    **changes
        Fields that differ: channels, latent_grid, classes, ... The name becomes ``"custom"`` unless one is given.

    Raises
    ------
    SettingsError
        Unknown name or field, or a value out of its range.

    Examples
    --------
    >>> settings_of("oss_net_C2_lits", channels=2, classes=3).patch_channels
    4
    """
    if name not in SETTINGS:
        near = difflib.get_close_matches(name, SETTINGS, n=3, cutoff=0.6) or list(SETTINGS)
        raise SettingsError(f"There is no OSS-Net setting {name!r}; try {', '.join(near)}.")
    if not changes:
        return SETTINGS[name]
    return settings_from({**asdict(SETTINGS[name]), "name": "custom", **changes})


def settings_from(values: dict[str, Any]) -> OSSNetSettings:
    """Make settings of plain values, as a file holds them: lists stand for tuples."""
    known = OSSNetSettings.__dataclass_fields__
    strange = sorted(set(values) - set(known))
    if strange:
        raise SettingsError(f"OSS-Net settings have no {', '.join(strange)}; they have {', '.join(known)}.")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        return OSSNetSettings(**given)
    except TypeError as error:
        raise SettingsError(f"OSS-Net settings are incomplete or of the wrong type: {error}.") from error
