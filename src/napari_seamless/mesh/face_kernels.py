"""Find the faces of labels in a block.

A face lies between a voxel and the next one along an axis, of which one, its inside, has the label. It is one integer,
its key: from the highest bit on, the raster index of the first voxel in the volume with one voxel more on each side;
axis (2 bits); whether the inside is the second voxel (1); the sheets of the four cubes around it (3 each); and whether
the surface is pinched at each of its four edges (4), for two sheets that are one on both sides of a cube's face.
Corner 0 is the cube before the pair along both other axes, taken in cyclic order; corner 1 lies after it along the
first of them, corner 2 along both, corner 3 along the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]


@compiled
def count_faces(block: Array, margin: int) -> int:
    """Count the faces of the voxels of a block.

    Parameters
    ----------
    block : numpy.ndarray
        (z, y, x) unsigned integers.
    margin : int
        Voxels on each side, at least 1, whose faces are those of other blocks.

    Returns
    -------
    int
        Faces; those between two labels count twice.
    """
    nz, ny, nx = block.shape
    count = 0
    for z in range(margin, nz - margin):
        for y in range(margin, ny - margin):
            for x in range(margin, nx - margin):
                here = block[z, y, x]
                for near in (block[z + 1, y, x], block[z, y + 1, x], block[z, y, x + 1]):
                    if near != here:
                        count += (here != 0) + (near != 0)
    return count


@compiled
def find_faces(  # noqa: PLR0913, PLR0917  a loop that a compiler sees through
    block: Array, margin: int, origin: int, strides: Array, corners: Array, labels: Array, keys: Array
) -> None:
    """Write label and key of every face of a block, in raster order.

    Parameters
    ----------
    block, margin : numpy.ndarray and int
        See `count_faces`.
    origin : int
        Raster index, in the volume with one voxel more on each side, of the first voxel of the array.
    strides : numpy.ndarray
        (3,) int64 steps of the raster index per axis.
    corners : numpy.ndarray
        (3, 2^18) uint16 of `fill_corners`.
    labels, keys : numpy.ndarray
        (face,) of the type of the block and int64; written.
    """
    nz, ny, nx = block.shape
    steps = (ny * nx, nx, 1)
    flat = block.reshape(-1)
    n = 0
    for z in range(margin, nz - margin):
        for y in range(margin, ny - margin):
            for x in range(margin, nx - margin):
                at = z * steps[0] + y * steps[1] + x
                here = flat[at]
                for axis in range(3):
                    near = flat[at + steps[axis]]
                    if near == here:
                        continue
                    along, across = steps[(axis + 1) % 3], steps[(axis + 2) % 3]
                    voxel = (origin + z * strides[0] + y * strides[1] + x * strides[2]) << 19
                    if here != 0:
                        labels[n] = here
                        around = _around(flat, at, along, across, steps[axis], here)
                        keys[n] = voxel | axis << 17 | np.int64(corners[axis, around])
                        n += 1
                    if near != 0:
                        labels[n] = near
                        around = _around(flat, at, along, across, steps[axis], near)
                        keys[n] = voxel | axis << 17 | 1 << 16 | np.int64(corners[axis, around])
                        n += 1


@compiled
def _around(  # noqa: PLR0913, PLR0917  a loop that a compiler sees through
    flat: Array, at: int, along: int, across: int, beyond: int, label: int
) -> int:
    """Return which of the 18 voxels around a pair have a label, 3 x 3 on each side of the face, as bits."""
    found = 0
    for a in range(3):
        for b in range(3):
            place = at + (a - 1) * along + (b - 1) * across
            found |= (flat[place] == label) << (3 * a + b)
            found |= (flat[place + beyond] == label) << (9 + 3 * a + b)
    return found


@compiled
def fill_corners(sheets: Array, corners: Array) -> None:
    """Write what the voxels around a pair make of the corners of the face between them.

    Parameters
    ----------
    sheets : numpy.ndarray
        (256, 12) uint8 of `sheet_table`.
    corners : numpy.ndarray
        (3, 2^18) uint16; written, for each axis and what `_around` returns: the low 16 bits of the key.
    """
    for axis in range(3):
        for around in range(1 << 18):
            if (around >> 4 & 1) != (around >> 13 & 1):
                corners[axis, around] = _corners(around, axis, sheets)


@compiled
def _corners(around: int, axis: int, sheets: Array) -> int:
    """Return the sheets at the corners of a face, and where it is pinched."""
    one, other = (axis + 1) % 3, (axis + 2) % 3
    insides = np.zeros(4, np.int64)
    found = 0
    for corner in range(4):
        s_one = 1 if corner % 3 == 0 else 0
        s_other = 1 if corner < 2 else 0
        for e in range(2):
            for a in range(2):
                for b in range(2):
                    if around >> (9 * e + 3 * (a + 1 - s_one) + b + 1 - s_other) & 1:
                        insides[corner] |= 1 << ((4 >> axis) * e + (4 >> one) * a + (4 >> other) * b)
        found |= sheets[insides[corner], 4 * axis + 2 * s_one + s_other] << (4 + 3 * corner)
    own, beyond = (0, 9) if around >> 4 & 1 else (9, 0)
    for i in range(4):
        # Across the edges 0 to 3 of the face lie the voxels before along `other`, after along `one`, and so on.
        near = 3 if i == 0 else 7 if i == 1 else 5 if i == 2 else 1
        if around >> (own + near) & 1 or not around >> (beyond + near) & 1:
            continue
        after = (i + 1) % 4
        if _joined(insides[i], axis, i, i, sheets) and _joined(insides[after], axis, after, i, sheets):
            found |= 1 << i
    return found


@compiled
def _joined(inside: int, axis: int, corner: int, side: int, sheets: Array) -> bool:
    """Whether both crossings of a face of a cube belong to one sheet there."""
    s_one = 1 if corner % 3 == 0 else 0
    s_other = 1 if corner < 2 else 0
    mine = 4 * axis + 2 * s_one + s_other
    if side % 2 == 0:
        s_other = 1 - s_other
    else:
        s_one = 1 - s_one
    return bool(sheets[inside, mine] == sheets[inside, 4 * axis + 2 * s_one + s_other])


@compiled
def sort_by_label(labels: Array, keys: Array, known: Array, starts: Array, out: Array) -> int:
    """Group faces by label, keeping their order.

    Parameters
    ----------
    labels, keys : numpy.ndarray
        (face,) label and key.
    known : numpy.ndarray
        (label,) written: the labels, in the order of their first faces.
    starts : numpy.ndarray
        (label + 1,) int64; written: where the faces of each begin in `out`.
    out : numpy.ndarray
        (face,) int64; written: keys.

    Returns
    -------
    int
        Labels; -1 where `known` has no room for them.
    """
    size = 64
    while size < 4 * len(known):
        size *= 2
    slots = np.full(size, -1, np.int64)
    code = np.empty(len(labels), np.int32)
    n = 0
    last, last_code = labels[0], -1
    for i in range(len(labels)):
        label = labels[i]
        if label != last or last_code < 0:
            slot = (np.int64(label) * 0x9E3779B97F4A7C1 >> 13) & (size - 1)
            while slots[slot] >= 0 and known[slots[slot]] != label:
                slot = (slot + 1) & (size - 1)
            if slots[slot] < 0:
                if n == len(known):
                    return -1
                known[n] = label
                slots[slot] = n
                n += 1
            last, last_code = label, slots[slot]
        code[i] = last_code
        starts[last_code + 1] += 1
    for k in range(n):
        starts[k + 1] += starts[k]
    place = starts[:n].copy()
    for i in range(len(labels)):
        out[place[code[i]]] = keys[i]
        place[code[i]] += 1
    return n
