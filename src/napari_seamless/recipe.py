"""Settings of a run: one frozen object for the Python call, the command line, the window and the metadata."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from napari_seamless.errors import SettingsError
from napari_seamless.types import WINDOW_SUFFIX, Activation, BorderMode, Box, PadMode, PadSides, WindowKind

MissingChunks = Literal["warn", "error", "fill"]
DamagedChunks = Literal["error", "fill"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
Write = Literal["labels", "probabilities", "top_classes"]
ProbabilityType = Literal["float32", "float16", "uint8"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def parse_bytes(value: object) -> object:
    """Turn a size such as ``"1GiB"``, ``"500 MB"`` or ``2**30`` into bytes.

    Examples
    --------
    >>> parse_bytes("1GiB")
    1073741824
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]?i?)b?\s*", value, flags=re.IGNORECASE)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(f"a size is a number with an optional unit such as 500MB or 1GiB, got {value!r}")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def parse_flips(value: object) -> object:
    """Turn the words ``"all"`` and ``"none"`` into a bool, and names joined by commas into a tuple.

    Examples
    --------
    >>> parse_flips("all"), parse_flips("y,x")
    (True, ('y', 'x'))
    """
    if not isinstance(value, str):
        return _as_tuple(value)
    if value in ("all", "none"):
        return value == "all"
    return tuple(name.strip() for name in value.split(","))


def region_text(value: object) -> object:
    """Turn a Box, or a slice for each spatial axis, into the text of a region; anything else stays as it is.

    Examples
    --------
    >>> region_text((slice(8, 16), slice(None)))
    '8:16,:'
    """
    if isinstance(value, Box):
        return ",".join(f"{a}:{b}" for a, b in zip(value.start, value.stop, strict=True))
    entries = value if isinstance(value, tuple | list) else (value,)
    if not all(isinstance(entry, slice) and entry.step in {None, 1} for entry in entries):
        return value
    ends = ((s.start, s.stop) for s in entries)
    return ",".join(":".join("" if end is None else str(end) for end in pair) for pair in ends)


def window_name(value: object) -> object:
    """Turn a path into text, and refuse text that is neither the name of a window nor that of its file.

    Examples
    --------
    >>> window_name("hann"), window_name("mine.safetensors")
    ('hann', 'mine.safetensors')
    """
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if isinstance(value, str) and value not in get_args(WindowKind) and not value.endswith(WINDOW_SUFFIX):
        names = ", ".join(get_args(WindowKind))
        raise ValueError(f"window must be one of {names}, or a file that ends in {WINDOW_SUFFIX}, got {value!r}")
    return value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


PerAxisInt = Annotated[int | tuple[int, ...], BeforeValidator(_as_tuple)]
PerAxisFloat = Annotated[float | tuple[float, ...], BeforeValidator(_as_tuple)]


class RunSettings(BaseModel):
    """Everything a person can choose about a run; frozen, and unknown names are refused.

    Parameters
    ----------
    patch_size : int or tuple of int
        What the network sees at once, in voxels; one value stands for every axis.
    overlap : float or tuple of float
        1 - step / patch size, in [0, 1); one value stands for every axis.
    border : {"squeeze", "edge", "adaptive", "crop", "pad"}
        What happens where the grid does not fit the volume.
    min_patch_size : int or tuple of int
        With the border mode adaptive, the least voxels of the smaller patches at the volume's end.
    pad_mode : {"constant", "edge", "reflect", ...}
        With the border mode pad, what lies beyond the volume, in the words of numpy.pad.
    pad_value : float
        The value of the padding constant, and the one that linear_ramp ends with; in the volume's own intensities,
        before they are normalised.
    pad_sides : {"both", "end"}
        With the border mode pad, whether patches reach beyond both ends of each axis or its end alone.
    pad_stat_length : int or tuple of int or None
        Voxels at the volume's edge that maximum, mean, median and minimum look at. None: the patch size.
    window : {"gaussian", "constant", "hann", "triangle"} or path
        Blending weight inside a patch: a name, or a .safetensors file such as tune writes for the errors of a network.
    window_sigma : float
        Standard deviation of the gaussian window as a part of the patch size.
    write : {"labels", "probabilities", "top_classes"}
        What the output holds: the most probable class, the network's mean output for every class, or the most probable
        classes with theirs.
    probability_dtype : {"float32", "float16", "uint8"}
        How probabilities are stored; uint8 holds 0 to 1 as 0 to 255 and refuses a network that returns other values.
    top_k : int
        Classes for each voxel with top_classes.
    activation : {"none", "softmax", "sigmoid"} or None
        Overrides what the network's adapter applies to its output; None keeps the adapter's choice.
    threshold : float
        Probability above which a one-channel network's voxel is foreground.
    device : str
        ``"auto"``, or a torch device such as ``"cpu"`` or ``"cuda:0"``.
    batch_size : int or "auto"
        Patches per forward pass. auto: 1 on a CPU, and as many as pay on a GPU, measured before the run.
    precision : {"auto", "float32", "bfloat16", "float16"}
        Type that the network computes in; auto takes 16 bits on CUDA. Less than float32 is used only where it agrees
        with float32 on the first batch.
    channels_last : bool or "auto"
        Whether voxels and weights lie channels last in memory; auto does so on CUDA in 16 bits.
    compile : bool
        Compile the network with torch.compile; a module only, neither a function nor TorchScript.
    flips : bool or tuple of str
        Average the network over all flips of these axes, such as z,y, or of all axes; n axes take 2^n forward passes.
    memory_budget : int or None
        Bytes for queues and accumulators; what does not fit is spilled to a scratch store. None: half of what is free.
    chunk_size : int or tuple of int or None
        Output chunk in voxels; None chooses 64 per axis, at most the volume.
    shard_size : int or tuple of int or None
        Voxels of a shard, a multiple of the chunk: the chunks in it share a file of the output. None: a file per chunk.
    region : str or None
        The part of the volume to segment, such as ``"64:128,0:256,:"`` or ``"z=64:128"``; a Box or a tuple of slices
        becomes such a text. None for all of it. It holds what a run over everything would put there.
    threads : int or None
        Torch threads of one forward pass on the CPU; as many passes run side by side as the cores allow. None: 1, or
        more where so many passes would need a quarter of the memory. A network's rounding may depend on it.
    channel : int or None
        Use only this channel of the volume.
    missing_chunks : {"warn", "error", "fill"}
        What to do where the store of the volume has no chunk: such chunks read as the fill value.
    damaged_chunks : {"error", "fill"}
        What to do where a chunk of the volume cannot be decoded: stop and name it, or read it as the fill value and
        report it at the end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    patch_size: PerAxisInt = 64
    overlap: PerAxisFloat = 0.5
    border: BorderMode = "squeeze"
    min_patch_size: PerAxisInt = 1
    pad_mode: PadMode = "constant"
    pad_value: float = Field(default=0.0, allow_inf_nan=False)
    pad_sides: PadSides = "both"
    pad_stat_length: PerAxisInt | None = None
    window: Annotated[WindowKind | str, BeforeValidator(window_name)] = "gaussian"
    window_sigma: float = Field(default=0.125, gt=0, allow_inf_nan=False)
    write: Write = "labels"
    probability_dtype: ProbabilityType = "float32"
    top_k: int = Field(default=2, ge=1)
    activation: Activation | None = None
    threshold: float = Field(default=0.5, allow_inf_nan=False)
    device: str = "auto"
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    precision: Precision = "auto"
    channels_last: bool | Literal["auto"] = "auto"
    compile: bool = False
    flips: Annotated[bool | tuple[str, ...], BeforeValidator(parse_flips)] = False
    memory_budget: Annotated[int | None, BeforeValidator(parse_bytes)] = Field(default=None, ge=2**20)
    chunk_size: PerAxisInt | None = None
    shard_size: PerAxisInt | None = None
    region: Annotated[str | None, BeforeValidator(region_text)] = None
    threads: int | None = Field(default=None, ge=1)
    channel: int | None = Field(default=None, ge=0)
    missing_chunks: MissingChunks = "warn"
    damaged_chunks: DamagedChunks = "error"

    @field_validator("overlap")
    @classmethod
    def _overlap_in_range(cls, value: float | tuple[float, ...]) -> float | tuple[float, ...]:
        for overlap in value if isinstance(value, tuple) else (value,):
            if not 0 <= overlap < 1:
                raise ValueError(f"overlap must be at least 0 and below 1, got {overlap:g}; try 0.5")
        return value

    @field_validator("patch_size", "chunk_size", "shard_size", "min_patch_size", "pad_stat_length")
    @classmethod
    def _sizes_positive(cls, value: int | tuple[int, ...] | None) -> int | tuple[int, ...] | None:
        for size in value if isinstance(value, tuple) else (1 if value is None else value,):
            if size < 1:
                raise ValueError(f"sizes must be at least 1 voxel, got {size}")
        return value

    @field_validator("flips")
    @classmethod
    def _flips_named_once(cls, value: bool | tuple[str, ...]) -> bool | tuple[str, ...]:
        if isinstance(value, tuple) and (len(set(value)) < len(value) or not all(value)):
            raise ValueError(f"flips must name each axis once, got {','.join(value)}; try all")
        return value


def make_settings(**values: Any) -> RunSettings:
    """Build settings, turning every refusal into one sentence.

    Parameters
    ----------
    **values
        Fields of `RunSettings`.

    Raises
    ------
    SettingsError
        A name is unknown or a value is out of range.

    Examples
    --------
    >>> make_settings(patch_size=64, overlap=0.25).overlap
    0.25
    """
    try:
        return RunSettings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """Turn the first refusal of pydantic into a sentence."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{name} is not a setting; the settings are {', '.join(RunSettings.model_fields)}."
    if text.startswith(name):
        return f"{text}."
    others = [e["ctx"]["expected"] for e in error.errors()[1:] if e["type"] == "literal_error" and e["loc"][0] == name]
    return f"{name}: {' or '.join([text[0].lower() + text[1:], *others])}, got {first.get('input')!r}."
