"""Weld faces: a vertex is named by its cube of 2 x 2 x 2 voxels and its sheet there."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]


@compiled
def name_corners(  # noqa: PLR0913, PLR0917  a loop that a compiler sees through
    keys: Array, strides: Array, slots: Array, numbers: Array, names: Array, polygons: Array
) -> int:
    """Give numbers to the vertices of faces, in the order in which they come.

    Parameters
    ----------
    keys : numpy.ndarray
        (face,) int64, sorted: see `face_kernels`.
    strides : numpy.ndarray
        (3,) int64 steps of a raster index in the volume with one voxel more on each side.
    slots, numbers : numpy.ndarray
        (2^k,) int64 of -1 and int32: scratch.
    names : numpy.ndarray
        (vertex,) int64; written: raster index of the cube times 16, plus the sheet.
    polygons : numpy.ndarray
        (face, 8) int32; written: at even places the corners, at odd ones the vertex between two of them, or -1.

    Returns
    -------
    int
        Vertices; -1 where there is no room for them.
    """
    mask = len(slots) - 1
    n = 0
    for face in range(len(keys)):
        key = keys[face]
        voxel = key >> 19
        axis = (key >> 17) & 3
        side = (key >> 16) & 1
        one, other = (axis + 1) % 3, (axis + 2) % 3
        for corner in range(8):
            i = corner >> 1
            s_one = 1 if i % 3 == 0 else 0
            s_other = 1 if i < 2 else 0
            if corner & 1 == 0:
                cube = voxel - s_one * strides[one] - s_other * strides[other]
                name = cube * 16 + ((key >> (4 + 3 * i)) & 7)
            elif (key >> i) & 1 == 0:
                polygons[face, corner] = -1
                continue
            elif i & 1 == 0:
                cube = voxel - s_other * strides[other]
                name = cube * 16 + 8 + 2 * one + s_other
            else:
                cube = voxel - s_one * strides[one]
                name = cube * 16 + 8 + 2 * other + side
            slot = ((name * 0x9E3779B97F4A7C1) >> 17) & mask
            while slots[slot] >= 0 and slots[slot] != name:
                slot = (slot + 1) & mask
            if slots[slot] < 0:
                if n == len(names):
                    return -1
                slots[slot] = name
                numbers[slot] = n
                names[n] = name
                n += 1
            polygons[face, corner] = numbers[slot]
    return n


@compiled
def centres(names: Array, strides: Array, spacing: Array, translation: Array, positions: Array) -> None:
    """Write the position of the centre of each vertex's cube."""
    for i in range(len(names)):
        cube = names[i] >> 4
        z = cube // strides[0]
        y = (cube - z * strides[0]) // strides[1]
        x = cube - z * strides[0] - y * strides[1]
        positions[i, 0] = translation[0] + spacing[0] * (z - 0.5)
        positions[i, 1] = translation[1] + spacing[1] * (y - 0.5)
        positions[i, 2] = translation[2] + spacing[2] * (x - 0.5)


@compiled
def add_crossings(  # noqa: PLR0913, PLR0917  a loop that a compiler sees through
    keys: Array, crossings: Array, spacing: Array, polygons: Array, sums: Array, counts: Array
) -> None:
    """Add where each face crosses its pair of voxels to its vertices, relative to the centres of their cubes.

    Parameters
    ----------
    keys, polygons : numpy.ndarray
        See `name_corners`.
    crossings : numpy.ndarray
        (face,) float: part of the way from the first voxel of the pair to the second; (1,) for all faces.
    spacing : numpy.ndarray
        (3,) float64 voxel size.
    sums : numpy.ndarray
        (vertex, 3) float64; added to.
    counts : numpy.ndarray
        (vertex,) int32; added to.
    """
    for face in range(len(keys)):
        key = keys[face]
        axis = (key >> 17) & 3
        one, other = (axis + 1) % 3, (axis + 2) % 3
        t = crossings[face if len(crossings) > 1 else 0] - 0.5
        for corner in range(8):
            vertex = polygons[face, corner]
            if vertex < 0:
                continue
            i = corner >> 1
            s_one = 1 if i % 3 == 0 else 0
            s_other = 1 if i < 2 else 0
            if corner & 1 == 1:
                if i & 1 == 0:
                    s_one = 0
                else:
                    s_other = 0
            sums[vertex, axis] += t * spacing[axis]
            sums[vertex, one] += (s_one - 0.5) * spacing[one]
            sums[vertex, other] += (s_other - 0.5) * spacing[other]
            counts[vertex] += 1


@compiled
def triangulate(keys: Array, polygons: Array, positions: Array, triangles: Array) -> int:
    """Cut faces into triangles: along the shorter diagonal, or around a vertex between two corners.

    Parameters
    ----------
    keys, polygons : numpy.ndarray
        See `name_corners`.
    positions : numpy.ndarray
        (vertex, 3) float64; (0, 3) where both diagonals are alike.
    triangles : numpy.ndarray
        (triangle, 3) int32; written.

    Returns
    -------
    int
        Triangles.
    """
    n = 0
    around = np.empty(8, np.int32)
    for face in range(len(keys)):
        corners = 0
        begin = -1
        for i in range(8):
            if polygons[face, i] >= 0:
                if i & 1 == 1 and begin < 0:
                    begin = corners
                around[corners] = polygons[face, i]
                corners += 1
        if begin < 0 and len(positions) == 0:
            begin = 0
        if begin < 0:
            first = second = 0.0
            for k in range(3):
                first += (positions[around[0], k] - positions[around[2], k]) ** 2
                second += (positions[around[1], k] - positions[around[3], k]) ** 2
            begin = 1 if second < first else 0
        outward = (keys[face] >> 16) & 1 == 0
        for i in range(1, corners - 1):
            a = around[begin]
            b = around[(begin + i) % corners]
            c = around[(begin + i + 1) % corners]
            triangles[n, 0] = a
            triangles[n, 1] = b if outward else c
            triangles[n, 2] = c if outward else b
            n += 1
    return n
