"""Which files hold an OSS-Net, told without loading one."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

_PICKLE = b"\x80"
_MOST_HEADER = 2**27


def is_oss_net_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a file names the settings of an OSS-Net, or is a state dict of torch and no program.

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
            return file.suffix in {".pt", ".pth"} and opened.read(1) == _PICKLE
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
    """Tell what torch.save wrote from a TorchScript file, which brings its code and constants."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    saved = any(name.endswith("/data.pkl") for name in names)
    return saved and not any(name.endswith("/constants.pkl") or "/code/" in name for name in names)
