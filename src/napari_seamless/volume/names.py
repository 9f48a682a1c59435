"""Short names from paths and URLs."""

from __future__ import annotations

import re

_ENDINGS = re.compile(r"(\.ome|\.tiff?|\.zarr|\.nii|\.gz|\.npy|\.btf|\.zip)+$", flags=re.IGNORECASE)


def label(path: str) -> str:
    """Return the end of a path by which messages name it: from the last part that carries an ending on.

    Examples
    --------
    >>> label("data/brain.zarr/labels/tissue"), label("data/brain.nii.gz"), label("data/brain")
    ('brain.zarr/labels/tissue', 'brain.nii.gz', 'brain')
    """
    parts = [part for part in re.split(r"[/\\]+", path.split("?", 1)[0]) if part]
    last = max((i for i, part in enumerate(parts) if _ENDINGS.search(part)), default=len(parts) - 1)
    return "/".join(parts[last:])


def short_name(path: str) -> str:
    """Return the last part of a path without its endings; a number keeps the name before it.

    Examples
    --------
    >>> short_name("data/brain.ome.zarr"), short_name("brain.zarr/labels/tissue"), short_name("brain.zarr/0")
    ('brain', 'tissue', 'brain 0')
    """
    parts = [_ENDINGS.sub("", part) or part for part in label(path).split("/") if part] or ["volume"]
    return " ".join((parts[0], parts[-1])) if len(parts) > 1 and parts[-1].isdigit() else parts[-1]
