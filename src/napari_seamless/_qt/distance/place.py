"""Where a map is saved unless a person chooses."""

from __future__ import annotations

from pathlib import Path

_ENDINGS = (".ome.zarr", ".zarr", ".nii.gz", ".ome.tiff", ".ome.tif")


def beside(source: str | None) -> str:
    """Return a path beside the labels' store; empty for labels in memory or at an address.

    Parameters
    ----------
    source : str or None
        Where the labels were opened from; a group inside a store is named after both.

    Examples
    --------
    >>> beside("/data/cells.ome.zarr"), beside(None)
    ('/data/cells.distance.ome.zarr', '')
    """
    if source is None or "://" in source:
        return ""
    path = store = Path(source)
    while _is_group(store) and _is_group(store.parent):
        store = store.parent
    inner = [part for part in path.relative_to(store).parts if part != "labels"]
    return str(store.with_name(".".join([_stem(store.name), *inner]) + ".distance.ome.zarr"))


def _stem(name: str) -> str:
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending)), Path(name).suffix)
    return name[: len(name) - len(ending)] or name


def _is_group(path: Path) -> bool:
    return (path / "zarr.json").is_file() or (path / ".zgroup").is_file()
