"""What writing beside an output takes: a folder for scratch, and refusals of the file system as sentences."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_seamless.blend.scratch import remove_stale
from napari_seamless.errors import RunCancelledError, SeamlessError, StorageError
from napari_seamless.sinks import only_writer
from napari_seamless.sinks.waiting import scratch_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Give a folder beside the output, whose name says whose it is: what a kill leaves is removed by the next call."""
    target = path.resolve()
    with tempfile.TemporaryDirectory(
        prefix=scratch_prefix(target), dir=target.parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextmanager
def written_alone(path: Path, cancelled: str) -> Iterator[None]:
    """Keep other writers away, remove what a killed one left, and tell in a sentence what went wrong.

    Parameters
    ----------
    path : pathlib.Path
        The output.
    cancelled : str
        What to say where it was cancelled.
    """
    with only_writer(path):
        try:
            remove_stale(path)
            yield
        except RunCancelledError:
            raise RunCancelledError(cancelled) from None
        except SeamlessError:
            raise
        except OSError as error:
            raise StorageError(
                f"The output {path} cannot be written ({error.strerror or error}); "
                "free disk space or choose a folder with write access."
            ) from error
