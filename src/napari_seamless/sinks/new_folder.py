"""A folder that is there complete or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_seamless.sinks.waiting import scratch_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to fill; move it to `path` at the end of the block, for what is there.

    When the block or the move fails, what was there stays. What is replaced is removed last. A kill may leave
    folders whose names begin as those of scratch folders do, so that they are removed with them.

    Parameters
    ----------
    path : pathlib.Path
        A folder that may exist.

    Yields
    ------
    pathlib.Path
        A place that does not exist.

    Raises
    ------
    OSError
        A folder cannot be moved.
    """
    # through a link, what it leads to is replaced, not the link
    target = path.resolve()
    unique = uuid.uuid4().hex[:12]
    fresh, before = (target.with_name(f"{scratch_prefix(target)}{kind}-{unique}") for kind in ("new", "old"))
    try:
        yield fresh
        if target.exists():
            os.replace(target, before)  # noqa: PTH105  Path.replace says the same of files only
        try:
            fresh.rename(target)
        except OSError:
            if before.exists():
                before.rename(target)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)
