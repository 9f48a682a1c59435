"""Instances as arithmetic: pieces of a block, where they touch, what joins, and the numbers that they get."""

from napari_seamless.instances.contacts import Contacts
from napari_seamless.instances.fragments import Fragments, basins, connected
from napari_seamless.instances.grouping import Basins, connected_groups
from napari_seamless.instances.numbering import Numbering, number_type

__all__ = [
    "Basins",
    "Contacts",
    "Fragments",
    "Numbering",
    "basins",
    "connected",
    "connected_groups",
    "number_type",
]
