"""The numbers of a GLB file: positions of all nodes, then their normals, and so on, triangles at last."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.mesh.export.part import GREY, as_part, has_colors, values_of, vertex_normals
from napari_seamless.mesh.export.words import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

_FLOAT, _UINT16, _UINT32 = 5126, 5123, 5125
_ARRAY, _ELEMENTS = 34962, 34963
_WIDTH = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


class Bundle:
    """Surfaces that share one node: one alone, as a rule."""

    def __init__(self, surfaces: list[Surface]) -> None:
        self.surfaces = surfaces
        self.vertices = sum(len(surface.vertices) for surface in surfaces)
        self.triangles = sum(len(surface.triangles) for surface in surfaces)
        low = np.min([surface.vertices.min(axis=0) for surface in surfaces], axis=0)[::-1]
        high = np.max([surface.vertices.max(axis=0) for surface in surfaces], axis=0)[::-1]
        self.center = (low + high) / 2
        self.bounds = [(bound - self.center).astype(np.float32).astype(float).tolist() for bound in (low, high)]

    @property
    def color(self) -> tuple[float, ...] | None:
        """Return the linear colour in 0..1 of a surface that is alone."""
        color = self.surfaces[0].color
        return None if len(self.surfaces) > 1 or color is None else linear(color)

    @cached_property
    def values(self) -> dict[str, str]:
        """Return the attribute of each value that all surfaces have."""
        names = [name for name in self.surfaces[0].values if all(name in s.values for s in self.surfaces)]
        return {name: f"_{word}" for name, word in tokens(names, ("LABEL",), capitals=True).items()}

    def layout(self, *, normals: bool) -> dict[str, tuple[int, str]]:
        """Return component type and shape of each attribute."""
        found: dict[str, tuple[int, str]] = {"POSITION": (_FLOAT, "VEC3")}
        if normals:
            found["NORMAL"] = (_FLOAT, "VEC3")
        if len(self.surfaces) > 1:
            found["_LABEL"] = (_FLOAT, "SCALAR")
            if has_colors(self.surfaces):
                found["COLOR_0"] = (_UINT16, "VEC4")
        return found | dict.fromkeys(self.values.values(), (_FLOAT, "SCALAR")) | {"indices": (_UINT32, "SCALAR")}

    def pieces(self, attribute: str) -> Iterator[bytes]:
        """Yield an attribute of the surfaces, one after the other."""
        first = 0
        for surface in self.surfaces:
            yield self._piece(surface, attribute, first).tobytes()
            first += len(surface.vertices)

    def _piece(self, surface: Surface, attribute: str, first: int) -> Array:
        part = as_part(surface)
        n = len(part.positions)
        piece: Array
        match attribute:
            case "POSITION":
                piece = (part.positions - self.center).astype("<f4")
            case "NORMAL":
                piece = vertex_normals(part).astype("<f4")
            case "_LABEL":
                piece = np.full(n, surface.label, "<f4")
            case "COLOR_0":
                color = np.rint(np.multiply(linear(surface.color or GREY), 65535)).astype("<u2")
                piece = np.tile(color, (n, 1))
            case "indices":
                piece = (part.triangles + np.int64(first)).astype("<u4")
            case _:
                name = next(name for name, word in self.values.items() if word == attribute)
                piece = np.nan_to_num(values_of(surface, name), nan=0, posinf=0, neginf=0).astype("<f4")
        return piece


class Streams:
    """Where each attribute of each bundle lies in the binary part, and its bytes in that order."""

    def __init__(self, bundles: list[Bundle], *, normals: bool) -> None:
        self._bundles = bundles
        self._layouts = [bundle.layout(normals=normals) for bundle in bundles]
        names = dict.fromkeys(name for layout in self._layouts for name in layout if name != "indices")
        self._names = [*names, "indices"] if bundles else []
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.attributes: list[dict[str, int]] = [{} for _ in bundles]
        self.size = 0
        for name in self._names:
            self._place(name)

    def pieces(self) -> Iterator[bytes]:
        """Yield the binary part."""
        for name in self._names:
            for bundle, layout in zip(self._bundles, self._layouts, strict=True):
                if name in layout:
                    yield from bundle.pieces(name)

    def _place(self, name: str) -> None:
        offset = width = 0
        for bundle, layout, attributes in zip(self._bundles, self._layouts, self.attributes, strict=True):
            if name not in layout:
                continue
            component, shape = layout[name]
            width = _WIDTH[shape] * (2 if component == _UINT16 else 4)
            accessor: dict[str, Any] = {"bufferView": len(self.views), "byteOffset": offset, "type": shape}
            accessor |= {"componentType": component, "count": bundle.vertices}
            if name == "POSITION":
                accessor |= {"min": bundle.bounds[0], "max": bundle.bounds[1]}
            elif name == "COLOR_0":
                accessor["normalized"] = True
            elif name == "indices":
                accessor["count"] = 3 * bundle.triangles
            attributes[name] = len(self.accessors)
            self.accessors.append(accessor)
            offset += width * accessor["count"]
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self.size, "byteLength": offset}
        self.views.append(
            view | ({"target": _ELEMENTS} if name == "indices" else {"target": _ARRAY, "byteStride": width})
        )
        self.size += offset


def linear(color: tuple[int, ...]) -> tuple[float, ...]:
    """Return a colour of a screen (sRGB in 0..255, alpha last) as the linear one in 0..1 that glTF asks for.

    Examples
    --------
    >>> [round(n, 3) for n in linear((255, 128, 0, 255))]
    [1.0, 0.216, 0.0, 1.0]
    """
    screen = np.divide(color, 255)
    light = np.where(screen <= 0.04045, screen / 12.92, ((screen + 0.055) / 1.055) ** 2.4)
    return (*(float(n) for n in light[:3]), float(screen[3]))
