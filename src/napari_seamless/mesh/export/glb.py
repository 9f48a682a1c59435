"""GLB: a node with a name, a colour and a place of its own for each surface."""

from __future__ import annotations

import json
import struct
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.export.glb_data import Bundle, Streams
from napari_seamless.mesh.export.units import unit_text
from napari_seamless.mesh.export.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_seamless.types.surface import Surface

Json = dict[str, Any]

MOST_NODES = 5_000
_TOGETHER = 1 << 20  # vertices
_HEADER, _CHUNK = 12, 8


def write_glb(file: IO[bytes], surfaces: Sequence[Surface], *, normals: bool) -> None:
    """Write glTF 2.0, a node and a mesh for each surface.

    glTF counts in metres. Coordinates stay in the unit of the surfaces instead, so that nothing gets too small to see;
    `extras` of asset, scene and nodes name it. Vertices are float32 around the centre of their surface, and the node
    moves them. Values are attributes such as `_DISTANCE`, with 0 for what is not finite: the format forbids that.

    More than 5,000 surfaces would be too many nodes for most programs. Then those that follow each other share one,
    about a million vertices each: vertices have their colour and `_LABEL`, `extras` of the node list labels and names,
    and values are left out unless all surfaces of a node have them. Surfaces without triangles are left out.

    Raises
    ------
    SettingsError
        The file would exceed the 4 GiB that the format allows.
    """
    bundles = list(_bundles([surface for surface in surfaces if len(surface.triangles)]))
    streams = Streams(bundles, normals=normals)
    text = json.dumps(_document(surfaces, bundles, streams), separators=(",", ":"), ensure_ascii=False).encode()
    text = text.ljust(-len(text) % 4 + len(text))
    total = _HEADER + 2 * _CHUNK + len(text) + streams.size
    if total > np.iinfo(np.uint32).max:
        raise SettingsError(
            f"surfaces would take {total / 2**30:.1f} GiB, but a GLB file holds 4; simplify them, or use .ply or .vtp."
        )
    file.write(struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON") + text)
    file.write(struct.pack("<I4s", streams.size, b"BIN\0"))
    for piece in streams.pieces():
        file.write(piece)


def _bundles(surfaces: list[Surface]) -> Iterator[Bundle]:
    if len(surfaces) <= MOST_NODES:
        yield from (Bundle([surface]) for surface in surfaces)
        return
    some: list[Surface] = []
    n = 0
    for surface in surfaces:
        some.append(surface)
        n += len(surface.vertices)
        if n >= _TOGETHER:
            yield Bundle(some)
            some, n = [], 0
    if some:
        yield Bundle(some)


def _document(surfaces: Sequence[Surface], bundles: list[Bundle], streams: Streams) -> Json:
    units = {"units": unit_text(surfaces[0].units)}
    colors: dict[tuple[float, ...] | None, int] = {}
    for bundle in bundles:
        colors.setdefault(bundle.color, len(colors))
    document: Json = {
        "asset": {"version": "2.0", "generator": "napari-seamless", "extras": units},
        "scene": 0,
        "scenes": [{"extras": units, **({"nodes": list(range(len(bundles)))} if bundles else {})}],
    }
    if bundles:
        document |= {
            "nodes": [_node(bundle, i, units) for i, bundle in enumerate(bundles)],
            "meshes": [_mesh(bundle, i, streams, colors[bundle.color]) for i, bundle in enumerate(bundles)],
            "materials": [_material(color) for color in colors],
            "accessors": streams.accessors,
            "bufferViews": streams.views,
            "buffers": [{"byteLength": streams.size}],
        }
    return document


def _node(bundle: Bundle, i: int, units: Json) -> Json:
    node: Json = {"name": _name(bundle, i), "mesh": i, "translation": bundle.center.tolist()}
    if len(bundle.surfaces) == 1:
        return node | {"extras": units | {"label": int(bundle.surfaces[0].label)}}
    labels = [int(surface.label) for surface in bundle.surfaces]
    return node | {"extras": units | {"labels": labels, "names": [surface.name for surface in bundle.surfaces]}}


def _mesh(bundle: Bundle, i: int, streams: Streams, material: int) -> Json:
    attributes = dict(streams.attributes[i])
    indices = attributes.pop("indices")
    primitive = {"attributes": attributes, "indices": indices, "material": material, "mode": 4}
    return {"name": _name(bundle, i), "primitives": [primitive]}


def _name(bundle: Bundle, i: int) -> str:
    first = bundle.surfaces[0]
    return (one_line(first.name) or str(first.label)) if len(bundle.surfaces) == 1 else f"surfaces {i}"


def _material(color: tuple[float, ...] | None) -> Json:
    factor = list(color or (1.0, 1.0, 1.0, 1.0))
    physical = {"baseColorFactor": factor, "metallicFactor": 0.0, "roughnessFactor": 0.7}
    return {"pbrMetallicRoughness": physical, **({"alphaMode": "BLEND"} if factor[3] < 1 else {})}
