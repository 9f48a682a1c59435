"""What was wrong with the chunks of a volume that were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.types import Volume

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChunkFaults:
    """Chunks that were read as the fill value because there was nothing better.

    Parameters
    ----------
    missing : frozenset of tuple of int
        Indices of what the store lacks, in units of storage.
    damaged : frozenset of tuple of int
        Indices of chunks that could not be decoded.

    Examples
    --------
    >>> both = ChunkFaults(damaged=frozenset({(0, 1)})) | ChunkFaults(damaged=frozenset({(2, 1), (0, 1)}))
    >>> list(both.sentences("brain"))
    ['2 chunks of brain cannot be decoded and were read as its fill value: (0, 1), (2, 1); restore them from a copy.']
    """

    missing: frozenset[Index] = frozenset()
    damaged: frozenset[Index] = frozenset()

    @classmethod
    def of(cls, volume: Volume) -> ChunkFaults:
        """Return what was noticed at the finest level so far, in this process; nothing for arrays without chunks."""
        data = volume.data
        return cls(frozenset(getattr(data, "missing_chunks", ())), frozenset(getattr(data, "damaged_chunks", ())))

    def __or__(self, other: ChunkFaults) -> ChunkFaults:
        """Return the faults of both, such as those of several processes."""
        return ChunkFaults(self.missing | other.missing, self.damaged | other.damaged)

    def sentences(self, name: str) -> Iterator[str]:
        """Yield one sentence for each kind of fault there is.

        Parameters
        ----------
        name : str
            Name of the volume.
        """
        if self.missing:
            verb = "is" if len(self.missing) == 1 else "are"
            yield (
                f"{_count(self.missing)} of {name} {verb} not in its store and {_was(self.missing)} read as its fill "
                f"value: {_first(self.missing)}; that is normal for stores that skip empty chunks, otherwise restore "
                "them from a copy."
            )
        if self.damaged:
            yield (
                f"{_count(self.damaged)} of {name} cannot be decoded and {_was(self.damaged)} read as its fill value: "
                f"{_first(self.damaged)}; restore them from a copy."
            )


def _count(indices: frozenset[Index]) -> str:
    return f"{len(indices)} chunk{'' if len(indices) == 1 else 's'}"


def _was(indices: frozenset[Index]) -> str:
    return "was" if len(indices) == 1 else "were"


def _first(indices: frozenset[Index], most: int = 3) -> str:
    """Return the first few indices in order, and how many there are more."""
    shown = ", ".join(str(index) for index in sorted(indices)[:most])
    return shown if len(indices) <= most else f"{shown} and {len(indices) - most} more"
