"""Which files hold an OSS-Net, told without loading one."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

_PICKLE = b"\x80"
_NAME = b"decoder.final_mapping"
"""Part of the name of a weight that every OSS-Net has."""
_MOST_NAMES = 2**20
_MOST_HEADER = 2**27


def is_oss_net_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a file names the settings of an OSS-Net, or holds weights of torch with the names of one.

    Parameters
    ----------
    path : path
        Any file; one that cannot be read is none.

    Examples
    --------
    >>> is_oss_net_file("nothing-here.safetensors")
    False
    """
    file = Path(path)
    try:
        if file.suffix == ".safetensors":
            return "oss_net" in _metadata(file)
        if zipfile.is_zipfile(file):
            return _is_state_dict(file)
        with file.open("rb") as opened:
            begin = opened.read(_MOST_NAMES)
        return file.suffix in {".pt", ".pth"} and begin.startswith(_PICKLE) and _NAME in begin
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _metadata(file: Path) -> dict[str, str]:
    """Read the metadata at the begin of a safetensors file."""
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(size)) if size <= _MOST_HEADER else {}
    found = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return found if isinstance(found, dict) else {}


def _is_state_dict(file: Path) -> bool:
    """Tell weights that torch.save wrote from a TorchScript file, which brings its code, and from other weights."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
            return False
        return any(_NAME in archive.read(name) for name in names if name.endswith("/data.pkl"))
