"""Meshes at several levels of detail for Neuroglancer: a folder of which a viewer loads what it shows."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import MissingDependencyError, SettingsError
from napari_seamless.mesh.export.lattice import Lattice
from napari_seamless.mesh.export.manifest import Level, manifest
from napari_seamless.mesh.export.octree import make_cells, nodes, separate
from napari_seamless.mesh.export.part import Part, as_part, crosses
from napari_seamless.mesh.export.units import nanometers
from napari_seamless.mesh.export.words import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

BITS = (10, 16)
_TRIANGLES_OF_A_CELL = 1 << 15
_MOST_HALVINGS = 10
_MOST_IDS = 1 << 64
_COMPRESSION = 7  # of 10


class PrecomputedWriter:
    """Write segments one by one into a folder in the format `neuroglancer_multilod_draco`.

    Each segment is cut by an octree of its own around it, so fine that a cell holds some 30,000 triangles, and
    coordinates are rounded to ``2**bits - 1`` steps of a cell. Triangles are cut where cells meet; what lies on both
    sides of a cut is rounded alike, so that there are no cracks. Stored coordinates are x, y, z in the unit of the
    surfaces, and the `transform` of the folder makes nanometres of them. Without a unit, one step of the volume counts
    as one nanometre.

    Parameters
    ----------
    folder : path-like
        An empty folder, or one that is made.
    units : tuple of str or None
        Unit of the axes z, y, x.
    bits : int
        Bits of a position within a cell: 10 or 16.

    Raises
    ------
    SettingsError
        A unit is no length, or `bits` is another number.
    MissingDependencyError
        DracoPy is not installed.
    OSError
        The folder cannot be made.

    Examples
    --------
    >>> writer = PrecomputedWriter(folder, units=("micrometer",) * 3)  # doctest: +SKIP
    >>> writer.add([surface, simplified])  # doctest: +SKIP
    >>> writer.finish()  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, *, units: Sequence[str | None] = (None, None, None), bits: int = 16) -> None:
        if bits not in BITS:
            raise SettingsError(f"bits is {bits}, but the format has positions of 10 or 16 bits; use one of these.")
        try:
            self._draco = importlib.import_module("DracoPy")
        except ImportError as error:
            raise MissingDependencyError(
                "Meshes for Neuroglancer need DracoPy, which compresses them; "
                "try pip install 'napari-seamless[neuroglancer]'."
            ) from error
        self._folder = Path(folder)
        self._bits = bits
        self._scales = [nanometers(unit) for unit in reversed(units)]
        self._names: dict[int, str] = {}
        self._folder.mkdir(parents=True, exist_ok=True)

    def add(self, levels_of_detail: Sequence[Surface]) -> None:
        """Write one segment, whose id is the label of its surfaces.

        Parameters
        ----------
        levels_of_detail : sequence of Surface
            The same surface ever simpler, the finest first; those without triangles, and what follows them, are left
            out, and nothing is written if that is the first.

        Raises
        ------
        SettingsError
            There is no surface, or its label is below 0 or was written before.
        OSError
            The files cannot be written.
        """
        if not levels_of_detail:
            raise SettingsError(
                "levels_of_detail is empty, but a segment needs a surface; give at least the finest one."
            )
        finest = levels_of_detail[0]
        label = int(finest.label)
        if not 0 <= label < _MOST_IDS or label in self._names:
            raise SettingsError(
                f"label {label} cannot be written as a segment: expected one that is not below 0 and was not written "
                "before; give each surface a label of its own."
            )
        parts = _parts(levels_of_detail)
        if parts:
            self._write(label, parts)
            self._names[label] = one_line(finest.name) or str(label)

    def finish(self) -> None:
        """Write what the folder holds: `info`, and the names in `segment_properties`.

        Raises
        ------
        OSError
            The files cannot be written.
        """
        x, y, z = self._scales
        info = {
            "@type": "neuroglancer_multilod_draco",
            "vertex_quantization_bits": self._bits,
            "transform": [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0],
            "lod_scale_multiplier": 1,
            "segment_properties": "segment_properties",
        }
        labels = sorted(self._names)
        names = {"id": "label", "type": "label", "values": [self._names[label] for label in labels]}
        inline = {"ids": [str(label) for label in labels], "properties": [names]}
        properties = self._folder / "segment_properties"
        properties.mkdir(exist_ok=True)
        _write_json(properties / "info", {"@type": "neuroglancer_segment_properties", "inline": inline})
        _write_json(self._folder / "info", info)

    def _write(self, label: int, parts: list[Part]) -> None:
        origin, cell = _grid(parts)
        lattices = [
            Lattice(origin=origin.astype(float), cell=cell.astype(float) * 2**k, bits=self._bits, halved=k > 0)
            for k in range(len(parts))
        ]
        cells = [make_cells(p.positions, p.triangles, lattice) for p, lattice in zip(parts, lattices, strict=True)]
        levels = []
        scale = 0.0
        with (self._folder / str(label)).open("wb") as file:
            for part, level, keys in zip(parts, cells, nodes(cells), strict=True):
                scale = max(scale, _edge(part))
                sizes = [file.write(self._encoded(*level.fragment(key))) for key in keys.tolist()]
                levels.append(Level(scale=scale, cells=separate(keys), sizes=sizes))
        (self._folder / f"{label}.index").write_bytes(manifest(origin, cell, levels))

    def _encoded(self, vertices: Array, triangles: Array) -> bytes:
        """Return a cell as Draco has it, nothing without triangles; viewers expect positions as signed integers."""
        if not len(triangles):
            return b""
        return bytes(self._draco.encode(vertices, triangles, compression_level=_COMPRESSION))


def _parts(levels: Sequence[Surface]) -> list[Part]:
    n = next((i for i, surface in enumerate(levels) if not len(surface.triangles)), len(levels))
    return [as_part(surface) for surface in levels[:n]]


def _grid(parts: list[Part]) -> tuple[Array, Array]:
    """Return corner and cell of the finest grid, both float32, as a reader will have them: (3,) along x, y, z.

    Each halving of a cell leaves about a quarter of its triangles, because a surface goes through it.
    """
    low = np.min([part.positions.min(axis=0) for part in parts], axis=0)
    high = np.max([part.positions.max(axis=0) for part in parts], axis=0)
    origin = np.nextafter(low.astype(np.float32), np.float32(-np.inf))
    extent = float((high - origin).max())
    halvings = 0
    while len(parts[0].triangles) > _TRIANGLES_OF_A_CELL * 4**halvings and halvings < _MOST_HALVINGS:
        halvings += 1
    side = np.nextafter(np.float32(extent * (1 + 1e-6) / 2**halvings), np.float32(np.inf))
    return origin, np.full(3, side, np.float32)


def _edge(part: Part) -> float:
    """Return the length of the edges of triangles with equal sides and the area of the surface."""
    area = sum(float(np.sqrt((cross**2).sum(axis=1)).sum()) for _, cross in crosses(part)) / 2
    return max(float(np.sqrt(4 / np.sqrt(3) * area / len(part.triangles))), float(np.finfo(np.float32).tiny))


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
