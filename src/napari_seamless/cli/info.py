"""`napari-seamless info`: what a volume is, from its metadata alone."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.wording import aligned, byte_size, times

if TYPE_CHECKING:
    from napari_seamless.types import Level, Volume


@click.command(short_help="Show what a volume is, from its metadata alone.")
@click.argument("source")
@click.option(
    "--axes", metavar="NAMES", help="Name of each array axis, such as zyx or czyx, where the format has none."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@debug_option
def info(source: str, *, axes: str | None, as_json: bool) -> None:
    """Show the shape, axes, type, voxel size, pyramid levels, chunks, channels and labels of SOURCE.

    SOURCE is an OME-Zarr, a Zarr array, a TIFF, a NIfTI or a NumPy file. Only metadata is read.
    """
    from napari_seamless.volume import open_volume

    volume = open_volume(source, axes=axes)
    click.echo(json.dumps(described(volume), indent=2) if as_json else _for_people(volume))


def described(volume: Volume) -> dict[str, Any]:
    """Return everything that is known of a volume as JSON-able values.

    Parameters
    ----------
    volume : Volume
        Any volume; no voxel is read.

    Returns
    -------
    dict
        ``spacing``, ``translation`` and ``extent`` hold one number per spatial axis in ``units``; ``bytes`` is the size
        of the finest level in memory.
    """
    return {
        "name": volume.name,
        "source": volume.source,
        "axes": list(volume.axes),
        "shape": list(volume.shape),
        "dtype": str(volume.dtype),
        "bytes": _n_bytes(volume),
        "spacing": list(volume.spacing),
        "translation": list(volume.translation),
        "extent": [s * n for s, n in zip(volume.spacing, volume.spatial_shape, strict=True)],
        "units": list(volume.units),
        "affine": None if volume.affine is None else volume.affine.tolist(),
        "levels": [_level(level) for level in volume.levels],
        "channels": list(volume.channels),
        "is_labels": volume.is_labels,
        "labels": {str(value): name for value, name in volume.label_names.items()},
    }


def _level(level: Level) -> dict[str, Any]:
    chunks = _chunks(level)
    return {
        "shape": [int(n) for n in level.data.shape],
        "chunks": None if chunks is None else list(chunks),
        "spacing": list(level.spacing),
    }


def _chunks(level: Level) -> tuple[int, ...] | None:
    """Return the chunk of a level in voxels, the largest where they differ; None for an array without chunks."""
    chunks = getattr(level.data, "chunks", None)
    if chunks is None:
        return None
    return tuple(int(max(c)) if isinstance(c, tuple) else int(c) for c in chunks)


def _n_bytes(volume: Volume) -> int:
    return math.prod(volume.shape) * volume.dtype.itemsize


def _for_people(volume: Volume) -> str:
    rows = {
        "axes": f"{', '.join(volume.axes)}",
        "shape": f"{times(volume.shape)} ({byte_size(_n_bytes(volume))})",
        "type": f"{volume.dtype}{', labels' if volume.is_labels else ''}",
        "spacing": _lengths(volume, volume.spacing),
        "extent": _lengths(volume, described(volume)["extent"]),
        "levels": _levels(volume),
    }
    if "c" in volume.axes:
        rows["channels"] = ", ".join(volume.channels) or f"{volume.n_channels} without names"
    if volume.label_names:
        rows["labels"] = _shortened([f"{value} {name}" for value, name in volume.label_names.items()])
    return f"{volume.source or volume.name}\n{aligned(rows)}"


def _levels(volume: Volume) -> str:
    """Return one line for each level: its shape and chunks."""
    lines = []
    for level in volume.levels:
        chunks = _chunks(level)
        lines.append(f"{times(level.data.shape)}{f' in chunks of {times(chunks)}' if chunks else ''}")
    return "\n".join(lines)


def _lengths(volume: Volume, values: tuple[float, ...]) -> str:
    """Return lengths with their unit, which is said once where all axes share it."""
    numbers = [f"{value:.6g}" for value in values]
    if len(set(volume.units)) == 1:
        return f"{' x '.join(numbers)} {volume.units[0] or '(unit unknown)'}"
    return " x ".join(
        f"{number} {unit or '(unit unknown)'}" for number, unit in zip(numbers, volume.units, strict=True)
    )


def _shortened(items: list[str], most: int = 12) -> str:
    return ", ".join(items) if len(items) <= most else f"{', '.join(items[:most])} and {len(items) - most} more"
